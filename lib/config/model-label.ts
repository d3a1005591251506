// Owns the short name a model goes by in tables and file names. Must not know how models are built.
import type { Config } from './validate.js';

/** The widths that a name without one stands for. */
const PAPER_WIDTH = { cifar_resnet: 16, resnet: 64, preact_resnet: 64 } as const;

/**
 * The field's name of the configured model: `fast`, `cnn`, `resnet20`, `resnet18`, `preact_resnet18`, `wrn28_10`…;
 * with another width than the paper's, `resnet18_w16`.
 */
export function modelLabel(model: Config['model']): string {
  switch (model.name) {
    case 'fast':
    case 'cnn':
      return model.name;
    case 'wide_resnet':
      return `wrn${model.depth}_${model.widenFactor}`;
    default: {
      const family = model.name === 'preact_resnet' ? model.name : 'resnet';
      const suffix = model.width === PAPER_WIDTH[model.name] ? '' : `_w${model.width}`;
      return `${family}${model.depth}${suffix}`;
    }
  }
}
