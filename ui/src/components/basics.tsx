// Small pieces that every page uses.
import { type ReactNode, useEffect } from "react";
import { Link } from "wouter";
import { useInForce } from "../api/hooks";
import { useWords } from "../i18n";
import { Given, short } from "./Given";

export type Tone = "good" | "info" | "warn" | "bad" | "neutral";

export function Badge({ tone = "neutral", children }: { tone?: Tone; children: ReactNode }) {
  return <span className={`badge ${tone}`}>{children}</span>;
}

/** Outcomes are the settings' own, mildest first; well-known names have their tone wherever they stand. */
export function outcomeTone(outcome: string): Tone {
  if (/approve|accept|allow|pass/.test(outcome)) return "good";
  if (/decline|block|reject|deny/.test(outcome)) return "bad";
  if (/challenge|step/.test(outcome)) return "info";
  return "warn";
}
export const Outcome = ({ of }: { of: string }) => <Badge tone={outcomeTone(of)}>{of}</Badge>;

export function Label({ of }: { of: boolean | null | undefined }) {
  const { t } = useWords();
  return of === null || of === undefined ? <span className="dim">{t("label.none")}</span>
    : <Badge tone={of ? "bad" : "good"}>{t(of ? "label.fraud" : "label.legit")}</Badge>;
}

/** The tone of a score: of the outcome that the thresholds in force give it. */
export function useScoreTone(): (score: number) => Tone {
  const { outcomes, thresholds } = useInForce();
  return (score) => {
    const reached = thresholds.filter(([, at]) => score >= at).sort((a, b) => b[1] - a[1])[0]?.[0] ?? outcomes[0];
    return reached === undefined ? "neutral" : outcomeTone(reached);
  };
}

export function Score({ of, level }: { of: number; level?: string }) {
  const tone = useScoreTone()(of);
  return (
    <span className="score" title={level}>
      <svg viewBox="0 0 100 16" preserveAspectRatio="none" aria-hidden="true">
        <rect className="track" width="100" height="16" rx="3" />
        <rect className={`tone-${tone}`} width={Math.max(of / 10, 2)} height="16" rx="3" />
      </svg>
      <span>{of}</span>
    </span>
  );
}

export function Page({ title, lead, actions, children }: {
  title: string; lead?: ReactNode; actions?: ReactNode; children: ReactNode;
}) {
  useEffect(() => void (document.title = `${short(title)} · Assay`), [title]);
  return (
    <>
      <div className="page-head">
        <div><h1><Given text={short(title, 200)} /></h1>{lead !== undefined && <p>{lead}</p>}</div>
        {actions && <div className="row">{actions}</div>}
      </div>
      {children}
    </>
  );
}

export function Card({ title, actions, children, bare, footer, id }: {
  title?: ReactNode; actions?: ReactNode; children: ReactNode; bare?: boolean; footer?: ReactNode; id?: string;
}) {
  return (
    <section className="card" id={id}>
      {(title || actions) && (
        <header><h2>{title}</h2>{actions && <div className="row">{actions}</div>}</header>
      )}
      {bare ? children : <div className="body">{children}</div>}
      {footer !== undefined && <footer>{footer}</footer>}
    </section>
  );
}

export function Tiles({ of }: { of: { name: string; value: ReactNode; note?: ReactNode }[] }) {
  return (
    <dl className="tiles">
      {of.map((one) => (
        <div key={one.name} className="tile">
          <dt>{one.name}</dt>
          <dd>{one.value} {one.note !== undefined && <small>{one.note}</small>}</dd>
        </div>
      ))}
    </dl>
  );
}

export function Facts({ of }: { of: [string, ReactNode][] }) {
  return (
    <dl className="facts">
      {of.map(([name, value]) => [<dt key={`${name}.`}>{name}</dt>, <dd key={name}>{value}</dd>])}
    </dl>
  );
}

/** A moment, with how long ago it was. */
export function When({ at, ago }: { at: string | null | undefined; ago?: boolean }) {
  const words = useWords();
  if (at === null || at === undefined) return <span className="dim">–</span>;
  return <time dateTime={at} title={ago ? words.dateTime(at) : words.ago(at)}>{ago ? words.ago(at) : words.dateTime(at)}</time>;
}

export const personText = (person: { kind: string; id?: string | null; name?: string | null } | null | undefined) =>
  person === null || person === undefined ? "–" : person.name || person.id || person.kind;

export const decisionPath = (id: string) => `/decisions/${encodeURIComponent(id)}`;
export const entityPath = (kind: string, id: string) => `/entities/${encodeURIComponent(kind)}/${encodeURIComponent(id)}`;

// No address leads to these: a browser takes "." and ".." in a path for steps, however they are written.
const isStep = (id: string) => id === "." || id === ".." || id === "";

export const DecisionLink = ({ id }: { id: string }) =>
  isStep(id) ? <span className="mono">{id}</span> : <Link className="mono break" href={decisionPath(id)}><Given text={short(id)} /></Link>;
export function EntityLink({ kind, id, bare }: { kind: string; id: string; bare?: boolean }) {
  const words = <>{!bare && <><span className="dim">{kind}</span> </>}<span className="mono break"><Given text={short(id)} /></span></>;
  return isStep(id) ? words : <Link href={entityPath(kind, id)}>{words}</Link>;
}

export function Select<T extends string>({ name, value, onChange, options, hideName }: {
  name: string; value: T; onChange: (value: T) => void; options: readonly (readonly [T, string])[]; hideName?: boolean;
}) {
  return (
    <label className="field">
      <span className={hideName ? "hidden" : undefined}>{name}</span>
      <select value={value} onChange={(event) => onChange(event.target.value as T)}>
        {options.map(([key, text]) => <option key={key} value={key}>{text}</option>)}
      </select>
    </label>
  );
}

export function Choice<T extends string>({ name, value, onChange, options }: {
  name: string; value: T; onChange: (value: T) => void; options: readonly (readonly [T, string])[];
}) {
  return (
    <div className="row" role="group" aria-label={name}>
      {options.map(([key, text]) => (
        <button key={key} type="button" aria-pressed={key === value} onClick={() => onChange(key)}>{text}</button>
      ))}
    </div>
  );
}
