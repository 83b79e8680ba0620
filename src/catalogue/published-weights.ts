// Where weights of networks are published, by the networks' names here. Nothing of it is fetched.

/**
 * By name: what timm 1.0.31 calls them (models/deit.py, vision_transformer.py, resnet.py), and the original
 * file that it names there. The digits at the end of a .pth's name begin the sha256 of that file (torch.hub,
 * check_hash).
 */
const PUBLISHED: Readonly<Record<string, readonly [timm: string, original?: string]>> = {
  'deit-ti': ['deit_tiny_patch16_224.fb_in1k', 'deit_tiny_patch16_224-a1311bcf.pth'],
  'deit-s': ['deit_small_patch16_224.fb_in1k', 'deit_small_patch16_224-cd65a155.pth'],
  'vit-s/16': ['vit_small_patch16_224.augreg_in21k_ft_in1k'],
  'imagenet-resnet18': ['resnet18.tv_in1k', 'resnet18-f37072fd.pth'],
  'imagenet-resnet34': ['resnet34.tv_in1k', 'resnet34-b627a593.pth'],
  'imagenet-resnet50': ['resnet50.tv_in1k', 'resnet50-0676ba61.pth'],
  'imagenet-resnet101': ['resnet101.tv_in1k', 'resnet101-63fe2227.pth'],
  'imagenet-resnet152': ['resnet152.tv_in1k', 'resnet152-394f9c45.pth'],
};

/**
 * A sentence on where to get weights of the network, which fsam does not fetch.
 *
 * @param isAsPublished whether its options are those of the published network
 */
export function whereWeightsAre(network: string, isAsPublished: boolean): string {
  if (!isAsPublished) {
    return `of ${network} with these options of model none are published; wanted the weights of a run of fsam, or for a try those that node scripts/fill-weights.mjs EXPERIMENT FILE makes by a formula`;
  }
  const [timm, original] = (Object.hasOwn(PUBLISHED, network) && PUBLISHED[network]) || [];
  if (timm === undefined)
    return `of ${network} none are published; wanted the weights of a run of fsam`;
  const [, digits] = /-([0-9a-f]+)\.pth$/.exec(original ?? '') ?? [];
  const made =
    original === undefined
      ? ''
      : `, made of ${original}, whose sha256 begins with ${digits ?? 'nothing known'}`;
  return `fsam fetches no weights; those of ${network} are model.safetensors of timm/${timm} on the Hugging Face hub${made}`;
}
