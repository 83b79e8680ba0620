// Whether somebody listens at an address.
import { connect } from 'node:net';

const PATIENCE_MILLISECONDS = 1000;

/** @param address `host:port` */
export function listens(address: string): Promise<boolean> {
  const colon = address.lastIndexOf(':');
  return new Promise((resolve) => {
    const socket = connect({
      host: address.slice(0, colon),
      port: Number(address.slice(colon + 1)),
    });
    const end = (answer: boolean) => (): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(PATIENCE_MILLISECONDS, end(false));
    socket.on('connect', end(true));
    socket.on('error', end(false));
  });
}
