// Attributes of TensorFlow ops in the form that the binding takes.
import { activeBackend, type TFEOpAttr } from './tensorflow.js';
import { DATA_TYPE, type ElementType } from './types.js';

const binding = () => activeBackend().binding;

export const typeAttribute = (name: string, dtype: ElementType): TFEOpAttr => ({
  name,
  type: binding().TF_ATTR_TYPE,
  value: DATA_TYPE[dtype],
});

export const intAttribute = (name: string, value: number | number[]): TFEOpAttr => ({
  name,
  type: binding().TF_ATTR_INT,
  value,
});

export const floatAttribute = (name: string, value: number): TFEOpAttr => ({
  name,
  type: binding().TF_ATTR_FLOAT,
  value,
});

export const boolAttribute = (name: string, value: boolean): TFEOpAttr => ({
  name,
  type: binding().TF_ATTR_BOOL,
  value,
});

export const stringAttribute = (name: string, value: string): TFEOpAttr => ({
  name,
  type: binding().TF_ATTR_STRING,
  value,
});
