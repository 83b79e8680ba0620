// Which device the native library is for, and why.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { SetupError } from './failure.mjs';

/**
 * @typedef {{ device: 'cpu' | 'gpu', reason: string, forced: boolean }} DeviceChoice forced: by
 * FSAM_DEVICE
 */

/** @returns {string | undefined} where the trace of an NVIDIA driver is */
function nvidiaDriver() {
  if (existsSync('/proc/driver/nvidia/version')) return '/proc/driver/nvidia/version';
  const ldconfig = ['/sbin/ldconfig', '/usr/sbin/ldconfig'].find((path) => existsSync(path));
  if (ldconfig === undefined) return undefined;
  try {
    const libraries = execFileSync(ldconfig, ['-p'], { encoding: 'utf8', stdio: 'pipe' });
    return /libcuda\.so\.1 .*=> (.*)/.exec(libraries)?.[1];
  } catch {
    return undefined; // no linker cache, no libcuda in it
  }
}

/**
 * FSAM_DEVICE decides; otherwise an NVIDIA driver does. Where there is none, a GPU library set up
 * before stays (it computes on the CPU, too), so that machines with and without a GPU can share a
 * clone.
 *
 * @param {NodeJS.ProcessEnv} environment
 * @param {'cpu' | 'gpu' | undefined} before the device of the last set-up of this clone
 * @returns {DeviceChoice}
 */
export function chooseDevice(environment, before) {
  const wanted = environment['FSAM_DEVICE'] || 'auto';
  if (wanted === 'cpu' || wanted === 'gpu') {
    return { device: wanted, reason: `FSAM_DEVICE=${wanted}`, forced: true };
  }
  if (wanted !== 'auto') {
    throw new SetupError(`FSAM_DEVICE=${wanted}: expected auto, cpu or gpu`);
  }
  const driver = nvidiaDriver();
  if (driver !== undefined) {
    return { device: 'gpu', reason: `NVIDIA driver found: ${driver}`, forced: false };
  }
  if (before === 'gpu') {
    return {
      device: 'gpu',
      reason: 'the GPU library was set up before; no NVIDIA driver found now',
      forced: false,
    };
  }
  return { device: 'cpu', reason: 'no NVIDIA driver found', forced: false };
}
