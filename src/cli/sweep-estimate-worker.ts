// The process that times a few steps before a sweep, so that the sweep itself stays light.
import { estimate } from '../sweep/estimate.js';
import { answerJob } from './worker.js';

answerJob(estimate);
