// The editor of conditions: colours, completion, and errors at their place. It lives in a shadow root, where CodeMirror's
// styles are adopted sheets: the content security policy refuses style elements.
import { autocompletion, closeBrackets, type CompletionSource, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { bracketMatching, HighlightStyle, StreamLanguage, syntaxHighlighting } from "@codemirror/language";
import { type Diagnostic, lintGutter, setDiagnostics } from "@codemirror/lint";
import { Compartment, EditorState } from "@codemirror/state";
import { EditorView, keymap, placeholder as hint } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { useEffect, useRef } from "react";
import { functions } from "../api/functions";
import type { Schemas } from "../api/client";

const words = new Set(["and", "or", "not", "in", "is", "by", "over", "step", "delay", "prior", "where", "list"]);
const constants = new Set(["true", "false", "null"]);
const called = new Set(functions.map((one) => one.name));

const language = StreamLanguage.define<null>({
  startState: () => null,
  token(stream) {
    if (stream.eatSpace()) return null;
    if (stream.match(/^#.*/)) return "comment";
    if (stream.match(/^'(?:[^']|'')*'?|^"(?:[^"]|"")*"?/)) return "string";
    if (stream.match(/^\d+[smhdw]\b/)) return "unit";
    if (stream.match(/^\d+(?:\.\d+)?(?:e[+-]?\d+)?/)) return "number";
    if (stream.match(/^`(?:[^`]|``)*`?/)) return "variableName";
    const word = stream.match(/^[\p{L}_][\p{L}\d_]*/u) as RegExpMatchArray | null;
    if (word) return words.has(word[0]) ? "keyword" : constants.has(word[0]) ? "atom" : called.has(word[0]) && stream.peek() === "(" ? "typeName" : "variableName";
    stream.next();
    return "operator";
  },
  languageData: { commentTokens: { line: "#" } },
});

const colours = HighlightStyle.define([
  { tag: tags.keyword, color: "var(--info)", fontWeight: "600" },
  { tag: [tags.atom, tags.number, tags.unit], color: "var(--warn)" },
  { tag: tags.string, color: "var(--good)" },
  { tag: tags.typeName, color: "var(--link)" },
  { tag: tags.comment, color: "var(--dim)", fontStyle: "italic" },
]);

const look = EditorView.theme({
  "&": { backgroundColor: "var(--surface)", color: "var(--text)", border: "1px solid var(--line-strong)", borderRadius: "6px", fontSize: "0.95rem" },
  "&.cm-focused": { outline: "2px solid var(--accent)", outlineOffset: "1px" },
  ".cm-content": { fontFamily: "var(--mono)", padding: "0.5rem 0", caretColor: "var(--text)" },
  ".cm-content, .cm-gutter": { minHeight: "5.5rem" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.5" },
  ".cm-gutters": { backgroundColor: "var(--sunken)", border: "0", color: "var(--dim)" },
  ".cm-tooltip": { backgroundColor: "var(--raised)", color: "var(--text)", border: "1px solid var(--line)", borderRadius: "6px" },
  ".cm-tooltip-autocomplete ul li[aria-selected]": { backgroundColor: "var(--accent-soft)", color: "var(--text)" },
  ".cm-completionDetail": { color: "var(--dim)", fontStyle: "normal" },
  ".cm-diagnostic-error": { borderLeftColor: "var(--bad-line)" },
  ".cm-placeholder": { color: "var(--dim)" },
  ".cm-matchingBracket": { backgroundColor: "var(--accent-soft) !important" },
});

export interface Mistake {
  line: number; // from 1
  column: number;
  text: string;
}

/** "2:7: expected a value" as the compiler says it. */
export function readMistake(detail: string): Mistake {
  const at = /^(\d+):(\d+): ([\s\S]*)$/.exec(detail);
  return at ? { line: Number(at[1]), column: Number(at[2]), text: at[3]! } : { line: 1, column: 1, text: detail };
}

export default function CodeEditor({ value, onChange, mistakes, features, entities, lists, label, placeholder, onSubmit, readOnly }: {
  value: string; onChange: (text: string) => void; mistakes: Mistake[]; features: Schemas["Feature"][]; entities: string[];
  lists: string[]; label: string; placeholder: string; onSubmit?: () => void; readOnly?: boolean;
}) {
  const host = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView | null>(null);
  const now = useRef({ onChange, onSubmit, features, entities, lists });
  now.current = { onChange, onSubmit, features, entities, lists };
  const locked = useRef(new Compartment());

  useEffect(() => {
    const shadow = host.current!.shadowRoot ?? host.current!.attachShadow({ mode: "open" });
    const complete: CompletionSource = (context) => {
      const word = context.matchBefore(/[\p{L}_`][\p{L}\d_]*/u);
      if (word === null && !context.explicit) return null;
      const from = word?.from ?? context.pos;
      const before = context.state.sliceDoc(Math.max(0, from - 24), from);
      const known = now.current;
      if (/\bby\s+$/.test(before)) return { from, options: known.entities.map((label) => ({ label, type: "class" })) };
      if (/\blist\(\s*$/.test(before)) return { from, options: known.lists.map((label) => ({ label, type: "constant" })) };
      const fields = new Set(known.features.flatMap((one) => one.fields));
      return {
        from,
        validFor: /^[\p{L}\d_`]*$/u,
        options: [
          ...known.features.map((one) => ({ label: one.name, type: "variable", detail: one.type, info: one.expression, boost: 2 })),
          ...[...fields].filter((name) => !known.features.some((one) => one.name === name)).map((label) => ({ label, type: "property", boost: 1 })),
          ...functions.map((one) => ({ label: one.name, type: "function", detail: one.signature.slice(one.name.length), info: one.what, apply: `${one.name}(` })),
          ...[...words, ...constants].map((label) => ({ label, type: "keyword", boost: -1 })),
        ],
      };
    };
    const made = new EditorView({
      root: shadow,
      parent: shadow,
      state: EditorState.create({
        doc: value,
        extensions: [
          history(), bracketMatching(), closeBrackets(), language, syntaxHighlighting(colours), look, lintGutter(), hint(placeholder),
          EditorView.lineWrapping, autocompletion({ override: [complete], icons: false }), locked.current.of(EditorState.readOnly.of(readOnly === true)),
          EditorView.contentAttributes.of({ "aria-label": label }),
          keymap.of([{ key: "Mod-Enter", run: () => { now.current.onSubmit?.(); return true; } }, ...completionKeymap, ...defaultKeymap, ...historyKeymap]),
          EditorView.updateListener.of((update) => update.docChanged && now.current.onChange(update.state.doc.toString())),
        ],
      }),
    });
    view.current = made;
    return () => made.destroy();
  }, [label]);

  useEffect(() => {
    const editor = view.current;
    if (editor !== null && editor.state.doc.toString() !== value)
      editor.dispatch({ changes: { from: 0, to: editor.state.doc.length, insert: value } });
  }, [value]);

  useEffect(() => {
    const editor = view.current;
    if (editor === null) return;
    const { doc } = editor.state;
    const marks = mistakes.map((one): Diagnostic => {
      const line = doc.line(Math.min(Math.max(one.line, 1), doc.lines));
      const from = Math.min(line.from + one.column - 1, line.to);
      const rest = /^(?:[\p{L}\d_]+|\S)/u.exec(doc.sliceString(from, line.to));
      return { from: Math.max(line.from, rest ? from : from - 1), to: from + (rest?.[0].length ?? 0), severity: "error", message: one.text };
    });
    editor.dispatch(setDiagnostics(editor.state, marks));
  }, [mistakes]);

  return <div ref={host} className="editor" />;
}
