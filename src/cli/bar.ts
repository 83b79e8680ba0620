// The look that all progress bars have, and how progress is told where there is no terminal.
import { SingleBar } from 'cli-progress';

/** @param size of the bar itself, in characters */
export const createBar = (stream: NodeJS.WritableStream, format: string, size = 30): SingleBar =>
  new SingleBar({
    format,
    stream,
    barsize: size,
    barCompleteChar: '=',
    barIncompleteChar: ' ',
    clearOnComplete: true,
  });

const TENTHS = 10;

/** Asked again and again whether another tenth of the total is done. */
export function tenths(): (done: number, total: number) => boolean {
  let told = 0;
  return (done, total) => {
    const reached = Math.floor((TENTHS * done) / Math.max(total, 1));
    const isAnother = reached > told;
    told = reached;
    return isAnother;
  };
}
