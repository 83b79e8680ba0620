// A container as far as process numbers go: what runs in it is number 1, under the host name of this machine.
import { spawnSync } from 'node:child_process';

/** The program that makes one, and its arguments; it ends with what started it. */
export const CONTAINER = ['unshare', '--kill-child', '--pid', '--fork', '--mount-proc'] as const;

const [program, ...args] = CONTAINER;

/** Not everybody may make one. */
export const hasContainers = spawnSync(program, [...args, 'true']).status === 0;
