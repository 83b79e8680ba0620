// How a text is continued: tokens drawn by what a network expects of them, and text to tokens and back.
import { describe, expect, test } from 'vitest';
import { alphabetOf } from '../../src/data/text/alphabet.js';
import { drawToken } from '../../src/tasks/draw-token.js';
import { randomStream } from '../../src/util/random.js';

describe('a token is drawn', () => {
  const logits = [1, 2, 0, 2].map((odds) => Math.log(odds));
  const shares = (options: { temperature: number; top?: number }): number[] => {
    const random = randomStream(3, 'continuation');
    const counts = [0, 0, 0, 0];
    for (let i = 0; i < 20_000; i++) {
      const token = drawToken(logits, options, random);
      counts[token] = (counts[token] ?? 0) + 1;
    }
    return counts.map((count) => count / 20_000);
  };
  // Of 20,000 draws a share of 0.4 is right to 0.0035.
  test.each([
    [{ temperature: 1 }, [0.2, 0.4, 0, 0.4]],
    [{ temperature: 0.5 }, [1 / 9, 4 / 9, 0, 4 / 9]],
    [{ temperature: 2 }, [1, Math.SQRT2, 0, Math.SQRT2].map((x) => x / (1 + 2 * Math.SQRT2))],
    [{ temperature: 1, top: 2 }, [0, 0.5, 0, 0.5]],
    [{ temperature: 1, top: 3 }, [0.2, 0.4, 0, 0.4]],
    [{ temperature: 1, top: 99 }, [0.2, 0.4, 0, 0.4]],
    [{ temperature: 0 }, [0, 1, 0, 0]],
  ])('%o', (options, wanted) => {
    const found = shares(options);
    wanted.forEach((share, token) => {
      expect(Math.abs((found[token] ?? NaN) - share), `token ${token}`).toBeLessThan(0.015);
    });
  });

  test('by logits of any size, and the last one where rounding leaves nothing', () => {
    const random = { uniform: () => 1 - 2 ** -53 };
    expect(drawToken([1000, -1000], { temperature: 1 }, random)).toBe(0);
    expect(drawToken([0, 0, 0], { temperature: 1 }, random)).toBe(2);
  });
});

describe('the characters of a text', () => {
  const alphabet = alphabetOf(['"\\n"', '"a"', '"😀"'], 'classes.txt');

  test('are tokens and back', () => {
    expect(alphabet.count).toBe(3);
    expect(alphabet.beginning).toEqual([0]);
    expect(alphabet.encode('a😀\r\na')).toEqual([1, 2, 0, 1]);
    expect(alphabet.decoder()([2, 1, 0])).toBe('😀a\n');
    expect(alphabetOf(['"x"'], 'classes.txt').beginning).toEqual([0]);
  });

  test('others, and no text, are refused', () => {
    expect(() => alphabet.encode('ab')).toThrow(
      '--prompt: got "b", which does not occur in the text that the run learnt from; wanted its characters alone',
    );
    expect(() => alphabet.encode('bac b')).toThrow(
      '--prompt: got "b", "c", " ", which do not occur in the text',
    );
    // As it was typed, though a text has it as LF.
    expect(() => alphabetOf(['"a"'], 'classes.txt').encode('a\r\na')).toThrow(
      '--prompt: got "\\r\\n", which does not occur',
    );
    expect(() => alphabet.encode('')).toThrow('--prompt: got nothing, wanted a text');
    expect(() => alphabetOf(null, 'classes.txt').encode('')).toThrow('--prompt: got nothing');
  });
});

test('bytes are tokens and back, a character when its last byte is there', () => {
  const alphabet = alphabetOf(null, 'classes.txt');
  expect(alphabet.encode('é')).toEqual([0xc3, 0xa9]);
  const decode = alphabet.decoder();
  expect([[0x61, 0xc3], [0xa9], [0xff]].map(decode)).toEqual(['a', 'é', '\ufffd']);
});
