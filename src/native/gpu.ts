// Makes a GPU ready before TensorFlow's library loads, or says why there is none.
import { UserError } from '../util/errors.js';
import { askDriver, compilerFolder, hasOwnCuda, openCuda } from './cuda.js';
import { putFirstOnPath, settleGpuEnvironment, type GpuOptions } from './gpu-environment.js';

/**
 * @param folder holds TensorFlow's library, and CUDA's where the set-up brought them
 * @param driver its library, searched for as the linker does
 * @returns why there is no GPU; null where there is one.
 * @throws UserError where one is asked for and absent, or there and of no use
 */
export function prepareGpu(
  wanted: 'auto' | 'gpu',
  folder: string,
  options: GpuOptions,
  driver?: string,
): string | null {
  settleGpuEnvironment(options);
  const { lack } = askDriver(process.env['CUDA_VISIBLE_DEVICES'], driver);
  if (lack !== null && wanted === 'gpu') {
    throw new UserError(`device gpu: ${lack}, or use --device cpu`);
  }
  if (lack !== null || !hasOwnCuda(folder)) return lack;
  putFirstOnPath(compilerFolder(folder));
  const [fault] = openCuda({ folder, libraryPath: process.env['LD_LIBRARY_PATH'] }).faults;
  if (fault === undefined) return null;
  throw new UserError(`device ${wanted}: ${fault}, or use --device cpu; fsam doctor lists all`);
}
