// Text from outside: ids, names, notes. What cannot be seen in it is shown by its number, so that two ids that look alike
// and are not can be told apart, and nothing in it turns the text around it.
const UNSEEN = /([\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]|(?<=[\u0020-\u007e])[\u200c\u200d])/u;

const code = (text: string) => `U+${text.codePointAt(0)!.toString(16).toUpperCase().padStart(4, "0")}`;

export function Given({ text }: { text: string }) {
  if (!UNSEEN.test(text)) return <bdi>{text}</bdi>;
  return <bdi>{text.split(UNSEEN).map((part, i) => (i % 2 === 0 ? part : <span key={i} className="unseen">{code(part)}</span>))}</bdi>;
}

/** The beginning of a text that may be long; all of it stands on the page of what it belongs to. */
export const short = (text: string, most = 80) => {
  const signs = [...text.slice(0, 2 * most + 2)];
  return signs.length <= most ? text : `${signs.slice(0, most - 1).join("")}…`;
};
