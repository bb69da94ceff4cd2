// What alerts and cases have in common.
import { type FormEvent, useState } from "react";
import { Link } from "wouter";
import type { Schemas } from "../api/client";
import { useWho } from "../api/hooks";
import { useDraft } from "../app/drafts";
import { useShortcuts } from "../app/shortcuts";
import { useWords } from "../i18n";
import { Badge, DecisionLink, EntityLink, Label, Outcome, Score, type Tone, When } from "./basics";
import { Given, short } from "./Given";
import { Modal } from "./Modal";

export type Alert = Schemas["Alert"];
export type Disposition = NonNullable<Alert["disposition"]>;
const dispositionKeys: Record<Disposition, string> = { confirmed_fraud: "f", false_positive: "l", inconclusive: "i" };
export const dispositions: Disposition[] = ["confirmed_fraud", "false_positive", "inconclusive"];

export const alertPath = (id: string) => `/alerts/${encodeURIComponent(id)}`;
export const casePath = (id: string) => `/cases/${encodeURIComponent(id)}`;

const states: Record<Alert["state"], Tone> = { open: "warn", claimed: "info", snoozed: "neutral", closed: "neutral" };
const tones: Record<Disposition, Tone> = { confirmed_fraud: "bad", false_positive: "good", inconclusive: "neutral" };

export function AlertState({ of }: { of: Alert }) {
  const { t } = useWords();
  const who = useWho();
  if (of.disposition) return <DispositionBadge of={of.disposition} />;
  return <Badge tone={states[of.state]}>{t(`alert.state.${of.state}`)}{of.assignee && of.state === "claimed" ? ` · ${who(of.assignee)}` : ""}</Badge>;
}

export function DispositionBadge({ of }: { of: Disposition }) {
  const { t } = useWords();
  return <Badge tone={tones[of]}>{t(`disposition.${of}`)}</Badge>;
}

/** Confirmed, false, or not to be known; each asks for a note and says what follows. */
export function Dispose({ busy, onDispose, what }: { busy: boolean; onDispose: (to: Disposition, note: string, done: () => void) => void; what: string }) {
  const { t } = useWords();
  const [asking, setAsking] = useState<Disposition | null>(null);
  const [note, setNote] = useDraft("disposition");
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    onDispose(asking!, note.trim(), () => setNote("")); // who is refused has it still
    setAsking(null);
  };
  useShortcuts(dispositions.map((one) => ({ keys: dispositionKeys[one], what: t(`disposition.${one}`), run: () => !busy && setAsking(one) })));
  return (
    <>
      {dispositions.map((one) => (
        <button key={one} type="button" className={one === "confirmed_fraud" ? "danger" : undefined} disabled={busy} onClick={() => setAsking(one)}>{t(`disposition.${one}`)}</button>
      ))}
      <Modal title={asking === null ? "" : t(`disposition.${asking}`)} open={asking !== null} onClose={() => setAsking(null)}>
        <form className="stack" onSubmit={submit}>
          <p>{what}</p>
          <p className="note">{asking !== null && t(`disposition.means.${asking}`)}</p>
          <label className="field"><span>{t("note.optional")}</span><textarea name="note" rows={3} maxLength={4096} autoFocus value={note} onChange={(event) => setNote(event.target.value)}
            onKeyDown={(event) => { if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) event.currentTarget.form?.requestSubmit(); }} /><small>{t("note.keys")}</small></label>
          <div className="row end"><button type="button" onClick={() => setAsking(null)}>{t("cancel")}</button><button className="primary">{t("alert.close")}</button></div>
        </form>
      </Modal>
    </>
  );
}

/** What was just disposed of, and has decisions whose labels are still on their way. */
export function labelsComing(of: { disposition: Disposition | null; closed: string | null; decisions: Schemas["WatchedDecision"][] } | undefined) {
  if (of === undefined || of.disposition === null || of.closed === null || Date.now() - Date.parse(of.closed) > 20000) return false;
  const wanted = { confirmed_fraud: true, false_positive: false, inconclusive: null }[of.disposition];
  return of.decisions.some((one) => (one.label ?? null) !== wanted);
}

export function Timeline({ of }: { of: Schemas["WatchEntry"][] }) {
  const { t } = useWords();
  const who = useWho();
  if (of.length === 0) return <p className="dim">{t("case.noTimeline")}</p>;
  return (
    <ul className="timeline">
      {[...of].reverse().map((one) => {
        const what = `change.${one.change}`;
        return (
          <li key={one.seq} className={one.change === "noted" ? "note-entry" : one.change === "closed" || one.change === "disposed" ? "end" : undefined}>
            <span><strong>{one.by_name || who(one.by) || t("case.system")}</strong> {known.has(what) ? t(what as "change.claimed") : one.change}</span>
            {one.note && <span className="words"><Given text={one.note} /></span>}
            <span className="dim small"><When at={one.at} /></span>
          </li>
        );
      })}
    </ul>
  );
}
const known = new Set(["claimed", "released", "snoozed", "assigned", "closed", "opened", "noted", "added", "disposed", "reopened"].map((one) => `change.${one}`));

export function WatchedDecisions({ of }: { of: Schemas["WatchedDecision"][] }) {
  const { t, amount } = useWords();
  return (
    <div className="scroll">
      <table className="cards" role="table">
        <thead role="rowgroup"><tr role="row">{[t("decision.event"), t("decision.time"), t("decision.outcome"), t("decision.score"), t("alert.amount"), t("label.title")].map((name, i) => <th key={name} role="columnheader" scope="col" className={i === 3 || i === 4 ? "number" : undefined}>{name}</th>)}</tr></thead>
        <tbody role="rowgroup">{of.map((one) => (
          <tr key={one.id} role="row">
            <td role="cell" data-label={t("decision.event")}><DecisionLink id={one.id} /></td>
            <td role="cell" data-label={t("decision.time")} className="nowrap">{one.time ? <When at={one.time} /> : <span className="dim">{t("case.byHand")}</span>}</td>
            <td role="cell" data-label={t("decision.outcome")}>{one.outcome ? <Outcome of={one.outcome} /> : "–"}</td>
            <td role="cell" data-label={t("decision.score")} className="number">{one.outcome ? <Score of={one.score} /> : "–"}</td>
            <td role="cell" data-label={t("alert.amount")} className="number">{one.amount === null ? "–" : amount(one.amount)}</td>
            <td role="cell" data-label={t("label.title")}><Label of={one.label} /></td>
          </tr>
        ))}</tbody>
      </table>
    </div>
  );
}

/** What an alert is about, in words: its link's. */
export const AboutText = ({ of }: { of: Alert }) => <Given text={short(of.entity === null ? of.name : `${of.entity.kind} ${of.entity.id ?? ""}`)} />;

export const EntityOf = ({ of }: { of: Schemas["EntityRef"] | null }) =>
  of === null ? <span className="dim">–</span> : of.id === null ? <span className="dim">{of.kind}</span> : <EntityLink kind={of.kind} id={of.id} />;

export const CaseLink = ({ id }: { id: string }) => {
  const { t } = useWords();
  return <Link href={casePath(id)}>{t("case.number", { id })}</Link>;
};
