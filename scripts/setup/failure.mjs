// What a set-up that cannot go on says: one line, and the exit code.

/** A set-up that stopped; the message is one line that says what to install or do. */
export class SetupError extends Error {
  /**
   * @param {string} message
   * @param {1 | 2} exitCode 2 for what the user can mend, 1 for a fault of this project
   */
  constructor(message, exitCode = 2) {
    super(message);
    this.name = 'SetupError';
    this.exitCode = exitCode;
  }
}

const DISK_FULL = /ENOSPC|EDQUOT|No space left on device|Disk quota exceeded/;
const NO_NETWORK =
  /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ENETUNREACH|EHOSTUNREACH|ETIMEDOUT|Max retries exceeded|NewConnectionError|Failed to establish a new connection|connection broken|ConnectionReset|Read timed out|ProxyError|Temporary failure in name resolution/i;

/**
 * The SetupError for what every tool can meet (a full disk, no network), or undefined.
 *
 * @param {string} output what the failed tool printed
 * @param {string} source what was being fetched or written
 * @param {string} folder where it was to go
 */
export function commonFailure(output, source, folder) {
  if (DISK_FULL.test(output)) {
    return new SetupError(`the disk is full: no room for ${source} in ${folder}; free some space`);
  }
  if (NO_NETWORK.test(output)) {
    return new SetupError(
      `${source}: the package index does not answer; check the network, or the proxy and mirror settings of npm and pip`,
    );
  }
  return undefined;
}

/**
 * Any error as the one line to print and the exit code.
 *
 * @param {unknown} error
 * @returns {{ message: string, exitCode: 1 | 2 }}
 */
export function describe(error) {
  if (error instanceof SetupError) return error;
  const fault = error instanceof Error ? error : new Error(String(error));
  const { code, path } = /** @type {NodeJS.ErrnoException} */ (fault);
  const where = path ?? 'a file';
  switch (code) {
    case 'ENOSPC':
    case 'EDQUOT':
      return new SetupError(`the disk is full: cannot write ${where}; free some space`);
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
    case 'ENOTDIR':
      return new SetupError(
        `cannot write ${where} (${code}); make it writable, or set FSAM_CACHE to a folder that is`,
      );
    default:
      return { message: `internal: ${fault.message}`, exitCode: 1 };
  }
}
