// A configuration as text: the file of a run folder.
import { join, relative } from 'node:path';
import { Document, isSeq, visit } from 'yaml';
import { CONFIGS_FOLDER } from './files.js';
import type { Config } from '../catalogue/schema.js';

/**
 * The complete configuration as YAML that `loadConfig` reads back to the same. Its first line tells
 * editors where the schema is, seen from `folder`, the folder that the text will be stored in.
 */
export function formatConfig(config: Config, folder: string = CONFIGS_FOLDER): string {
  const document = new Document(config);
  visit(document, (_, node) => {
    if (isSeq(node)) node.flow = true;
  });
  const schema = relative(folder, join(CONFIGS_FOLDER, 'schema.json'));
  const reference = schema.startsWith('.') ? schema : `./${schema}`;
  return `# yaml-language-server: $schema=${reference}\n${document.toString({ lineWidth: 0 })}`;
}
