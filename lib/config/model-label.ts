// Owns the short name a model goes by in tables and file names. Must not know how models are built.
import type { Config } from './validate.js';

/** The field's name of the configured model: `fast`, `cnn`, `resnet20`, `resnet18`… */
export function modelLabel(model: Config['model']): string {
  return 'depth' in model ? `resnet${model.depth}` : model.name;
}
