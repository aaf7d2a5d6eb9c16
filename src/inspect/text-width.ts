const NARROW = /[iljtfr.,:;'|!()[\] ]/;
const WIDE = /[mwMW@%…—]/;

/** About how wide a text is in a sans-serif font; there is no browser to ask, and too much does no harm. */
export function textWidth(text: string, fontPx: number): number {
  let em = 0;
  for (const char of text) em += widthOf(char);
  return Math.ceil(em * fontPx);
}

function widthOf(char: string): number {
  if (NARROW.test(char)) return 0.34;
  if (WIDE.test(char)) return 0.92;
  if (char >= "\u1100") return 1.05;
  return char >= "A" && char <= "Z" ? 0.7 : 0.58;
}
