// What the first bytes of a JPEG or PNG tell of it, without decoding anything.
//
// JPEG: ITU-T T.81, annex B; PNG: https://www.w3.org/TR/png-3/.

export interface PictureHeader {
  readonly kind: 'jpeg' | 'png';
  /** In pixels, from 1, as stored: a note in EXIF to turn the picture does not count. */
  readonly width: number;
  readonly height: number;
  /** Values of a pixel: 1 grey, 2 grey and alpha, 3 colour, 4 colour and alpha, or CMYK. */
  readonly components: number;
  /** The bytes that the header takes. The picture's end stands behind them. */
  readonly headerBytes: number;
}

/** `needs`: how many bytes from the beginning would tell more. */
export type Described = PictureHeader | { readonly needs: number } | { readonly fault: string };

/** Pillow's limit, too; what it refuses, torchvision's users have never trained on. */
const LARGEST_PIXELS = 178_956_970;

const JPEG_SIGNATURE = Buffer.from('ffd8', 'hex');
const PNG_SIGNATURE = Buffer.from('89504e470d0a1a0a', 'hex');
const SIGNATURES = [JPEG_SIGNATURE, PNG_SIGNATURE];

/** Whether `bytes` begin with the signature, as far as they go. */
const agrees = (bytes: Buffer, signature: Buffer): boolean => {
  const length = Math.min(bytes.length, signature.length);
  return bytes.subarray(0, length).equals(signature.subarray(0, length));
};

/** Signature, length and name of the first chunk, its 13 bytes. */
const PNG_HEADER_BYTES = 8 + 8 + 13;
const PNG_COMPONENTS: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 3, 4: 2, 6: 4 };

/** @param bytes the picture's beginning, or all of it. */
export function describePicture(bytes: Uint8Array): Described {
  const beginning = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (!SIGNATURES.some((signature) => agrees(beginning, signature))) {
    const text = JSON.stringify(beginning.toString('latin1', 0, 8));
    return { fault: `is no JPEG or PNG (it begins with ${text})` };
  }
  if (beginning.length < 8) return { needs: 8 };
  const described = agrees(beginning, JPEG_SIGNATURE)
    ? describeJpeg(beginning)
    : describePng(beginning);
  if (!('kind' in described)) return described;
  const { width, height } = described;
  if (width === 0 || height === 0) return { fault: `is ${width} x ${height} pixels large` };
  if (width * height > LARGEST_PIXELS) {
    return {
      fault: `is ${width} x ${height} pixels large, wanted at most ${LARGEST_PIXELS} of them`,
    };
  }
  return described;
}

function describePng(bytes: Buffer): Described {
  if (bytes.length < PNG_HEADER_BYTES) return { needs: PNG_HEADER_BYTES };
  const components = PNG_COMPONENTS[bytes.readUInt8(25)];
  if (bytes.toString('latin1', 12, 16) !== 'IHDR' || components === undefined) {
    return { fault: 'is a damaged PNG: its header is none' };
  }
  return {
    kind: 'png',
    width: bytes.readUInt32BE(16),
    height: bytes.readUInt32BE(20),
    components,
    headerBytes: PNG_HEADER_BYTES,
  };
}

/** Goes from segment to segment up to the frame header (SOFn), which tells the size. */
function describeJpeg(bytes: Buffer): Described {
  let at = 2;
  for (;;) {
    // Bytes between segments are passed over, as libjpeg does; FF may be repeated before a marker.
    while (at < bytes.length && bytes[at] !== 0xff) at++;
    while (at + 1 < bytes.length && bytes[at + 1] === 0xff) at++;
    if (at + 4 > bytes.length) return { needs: at + 4 };
    const marker = bytes.readUInt8(at + 1);
    if (standsAlone(marker)) {
      at += 2;
      continue;
    }
    if (marker === END_OF_IMAGE || marker === START_OF_SCAN) {
      return { fault: 'is a damaged JPEG: it has no frame header' };
    }
    const length = bytes.readUInt16BE(at + 2);
    if (length < 2) return { fault: 'is a damaged JPEG: a segment of its header has no length' };
    if (isFrameHeader(marker)) {
      if (at + 10 > bytes.length) return { needs: at + 10 };
      return frameHeader(bytes, at, length);
    }
    at += 2 + length;
    if (at + 4 > bytes.length) return { needs: at + 4 };
  }
}

const END_OF_IMAGE = 0xd9;
const START_OF_SCAN = 0xda;

/** Markers without a segment: the escaped FF, TEM, RSTn and SOI. */
const standsAlone = (marker: number): boolean =>
  marker === 0 || marker === 1 || (marker >= 0xd0 && marker <= 0xd8);

/** C0 to CF, but for the tables DHT and DAC and the reserved JPG. */
const isFrameHeader = (marker: number): boolean =>
  marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);

function frameHeader(bytes: Buffer, at: number, length: number): Described {
  const bits = bytes.readUInt8(at + 4);
  if (bits !== 8) return { fault: `is a JPEG of ${bits} bits a value, wanted 8` };
  const components = bytes.readUInt8(at + 9);
  if (![1, 3, 4].includes(components)) {
    return { fault: `is a JPEG of ${components} values a pixel, wanted 1, 3 or 4` };
  }
  return {
    kind: 'jpeg',
    width: bytes.readUInt16BE(at + 7),
    height: bytes.readUInt16BE(at + 5),
    components,
    headerBytes: at + 2 + length,
  };
}
