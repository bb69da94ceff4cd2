// One decision: what was decided and why, against what is usual, by what, and the proof that it can be decided again.
import { useMutation } from "@tanstack/react-query";
import { Link } from "wouter";
import { ApiError, api, type Schemas, the } from "../api/client";
import { useAsk, useChange, useInForce } from "../api/hooks";
import { useMay } from "../app/session";
import { useToasts } from "../app/toasts";
import { Card, EntityLink, Facts, Label, Outcome, Page, Score, Tiles, When } from "../components/basics";
import { Given } from "../components/Given";
import { Why } from "../components/Why";
import { describe, Failed, Loading, Result } from "../components/states";
import { useWords } from "../i18n";

type Whole = Schemas["DecisionWhole"];
type Explanation = Schemas["Explanation"];

/** The answer with its inputs as they were written: a number that this browser would round, an id of 18 digits, is text. */
function exactly(answer: { data?: unknown; error?: unknown; response: Response }) {
  if (typeof answer.data !== "string") return answer as { data?: Whole | Schemas["ObservedWhole"]; response: Response };
  const data = JSON.parse(answer.data) as Whole | Schemas["ObservedWhole"];
  const written = answer.data.replace(/"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*/g, (token) => (token.startsWith('"') || String(Number(token)) === token ? token : JSON.stringify(token)));
  return { ...answer, data: { ...data, inputs: (JSON.parse(written) as typeof data).inputs } };
}

export default function Decision({ params }: { params: Record<string, string | undefined> }) {
  const { t } = useWords();
  const id = params.id!;
  const asked = useAsk(["decision", id], (signal) => api.GET("/v1/decisions/{id}", { params: { path: { id } }, parseAs: "text", signal }).then(exactly));
  return (
    <Page title={t("decision.title", { id })} actions={asked.data && <Labelling id={id} label={asked.data.label} />}>
      <Result of={asked}>{(data) => ("observed" in data ? <Observed of={data} /> : <Decided of={data as Whole} />)}</Result>
    </Page>
  );
}

function Observed({ of }: { of: Schemas["ObservedWhole"] }) {
  const { t } = useWords();
  return (
    <>
      <p className="note">{t("decision.observed")}</p>
      <Inputs of={of.inputs as Record<string, unknown>} erased={of.erased} />
    </>
  );
}

function Decided({ of }: { of: Whole }) {
  const { t, percent, number } = useWords();
  const may = useMay();
  const why = useAsk(["explanation", of.id], (signal) => api.GET("/v1/decisions/{id}/explanation", { params: { path: { id: of.id } }, signal }),
    { enabled: may("GET /v1/decisions/{id}/explanation") });
  return (
    <>
      <Tiles of={[
        { name: t("decision.outcome"), value: <Outcome of={of.outcome} /> },
        { name: t("decision.score"), value: <Score of={of.score} />, note: of.level },
        { name: t("decision.probability"), value: percent(of.probability, 2) },
        { name: t("label.title"), value: <Label of={of.label} /> },
      ]} />
      {of.flags.length > 0 && <p className="note warn">{of.flags.map((flag) => t(`flag.${flag}` as never)).join(" ")}</p>}
      {of.interval !== undefined && <p className="note">{t("decision.interval", { low: percent(of.interval[0]!, 1), high: percent(of.interval[1]!, 1) })}</p>}
      <div className="grid two-one">
        <div className="columns">
          <Card title={t("why.title")} bare>
            {why.isPending ? <Loading /> : why.isError ? <Failed error={why.error} retry={() => void why.refetch()} /> : <Why of={why.data} score={of.score} />}
          </Card>
          <Inputs of={of.inputs as Record<string, unknown>} erased={of.erased} />
        </div>
        <div className="columns">
          <RulesFired of={why.data} names={of.rules} shadow={of.shadow_rules ?? []} />
          <Card title={t("decision.made")}>
            <Facts of={[
              [t("decision.time"), <When at={of.time} />],
              [t("decision.received"), <When at={of.received} />],
              [t("decision.model"), why.data?.model ? `${(why.data.model as { kind: string }).kind} · ${(why.data.model as { file?: string }).file ?? ""}` : t("decision.noModel")],
              [t("decision.plan"), <code>{of.plan}</code>],
              [t("decision.seq"), number(of.seq)],
            ]} />
          </Card>
          <Replay id={of.id} />
        </div>
      </div>
    </>
  );
}

function RulesFired({ of, names, shadow }: { of: Explanation | undefined; names: string[]; shadow: string[] }) {
  const { t } = useWords();
  return (
    <Card title={t("decision.rules")}>
      {names.length === 0 && <p className="dim">{t("decision.noRules")}</p>}
      {names.map((name) => {
        const rule = of?.rules.find((one) => one.rule === name);
        return (
          <div key={name}>
            <p className="row"><Link className="strong" href={`/rules/${encodeURIComponent(name)}`}>{name}</Link>{rule && <Outcome of={rule.then} />}</p>
            {rule?.text && <p>{rule.text}</p>}
            {rule && <pre className="dim">{rule.when}</pre>}
          </div>
        );
      })}
      {shadow.length > 0 && <p className="small dim">{t("decision.shadow")} {shadow.join(", ")}</p>}
    </Card>
  );
}

const LONG = 400; // signs; more have a scroll bar of their own

function Inputs({ of, erased }: { of: Record<string, unknown> | undefined; erased?: boolean }) {
  const { t } = useWords();
  const { entities } = useInForce();
  return (
    <Card title={t("decision.inputs")}>
      {erased && <p className="note warn">{t("decision.erased")}</p>}
      <Facts of={Object.entries(of ?? {}).map(([name, given]) => {
        const entity = entities.find((one) => one.field === name);
        if (given === null) return [name, <span className="dim">null</span>];
        const text = typeof given === "string" ? given : JSON.stringify(given);
        if (entity !== undefined) return [name, <EntityLink kind={entity.kind} id={text} bare />];
        return [name, <div className={text.length > LONG ? "mono long" : "mono"} tabIndex={text.length > LONG ? 0 : undefined}><Given text={text} /></div>];
      })} />
    </Card>
  );
}

/** The proof that the record and the plan give the same answer again. */
function Replay({ id }: { id: string }) {
  const { t, number } = useWords();
  const replay = useMutation({
    mutationFn: () => the(api.POST("/v1/decisions/{id}:replay", { params: { path: { id } }, body: {} })),
  });
  const done = replay.data;
  return (
    <Card title={t("replay.title")}>
      <p className="dim">{t("replay.lead")}</p>
      {done === undefined && <div><button type="button" disabled={replay.isPending} onClick={() => replay.mutate()}>{t("replay.do")}</button></div>}
      {replay.isError && <p className="note bad" role="alert">{replay.error instanceof ApiError ? describe(replay.error, t) : String(replay.error)}</p>}
      {done !== undefined && (
        <>
          <p className={done.replayed === null ? "note warn" : done.replayed ? "note good" : "note bad"} role="status">
            {done.replayed === null ? t("why.notKept") : done.replayed ? t("replay.same") : t("replay.differs", { what: done.differences?.join(", ") ?? "" })}
          </p>
          <Facts of={[
            [t("decision.seq"), number(done.seq)],
            [t("replay.chain"), <code className="break">{done.chain}</code>],
            [t("decision.plan"), <code>{done.plan}</code>],
          ]} />
        </>
      )}
    </Card>
  );
}

function Labelling({ id, label }: { id: string; label: boolean | null | undefined }) {
  const { t } = useWords();
  const may = useMay();
  const { say } = useToasts();
  const change = useChange(async (to: boolean | null) => {
    await the(api.POST("/v1/labels", { body: { id, ...(to === null ? { reversal: true } : { label: to }), source: "console" } as never }));
  }, { stale: [["decision", id], ["decisions"]], done: () => say(t("label.kept")) });
  if (!may("POST /v1/labels")) return null;
  return (
    <>
      <button type="button" className="danger" disabled={change.isPending || label === true} onClick={() => change.mutate(true)}>{t("label.isFraud")}</button>
      <button type="button" disabled={change.isPending || label === false} onClick={() => change.mutate(false)}>{t("label.isLegit")}</button>
      {label !== null && label !== undefined && <button type="button" className="quiet" disabled={change.isPending} onClick={() => change.mutate(null)}>{t("label.takeBack")}</button>}
    </>
  );
}

