// A thread that reads and decodes for `fsam data verify`.
import { pictureFault } from '../../native/pixels.js';
import { serve, type Work } from './crew.js';
import { verifyPart, type Findings, type VerifyTask } from './verify-part.js';

const verify: Work<VerifyTask, Findings> = (task) => verifyPart(task, pictureFault);

serve(verify);
