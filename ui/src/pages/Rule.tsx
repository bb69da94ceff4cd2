// One rule: written with the compiler looking on, tried on the past, approved by a second person, taken live.
import { useQuery } from "@tanstack/react-query";
import { lazy, Suspense, useEffect, useMemo, useState } from "react";
import { Link, useLocation } from "wouter";
import { ApiError, api, type Schemas, the } from "../api/client";
import { useAsk, useChange, useInForce, useJob } from "../api/hooks";
import { useDraft } from "../app/drafts";
import { useMay } from "../app/session";
import { useToasts } from "../app/toasts";
import { Backtest, type BacktestResult } from "../components/Backtest";
import { Card, Facts, Outcome, Page, personText, Select, When } from "../components/basics";
import type { Mistake } from "../components/CodeEditor";
import { Modal } from "../components/Modal";
import { RuleState } from "../components/rules";
import { describe, Loading, Result } from "../components/states";
import { useWords } from "../i18n";

const CodeEditor = lazy(() => import("../components/CodeEditor"));
type Shown = Schemas["RuleShown"];
type Job = Schemas["Job"];

export default function Rule({ params }: { params: Record<string, string | undefined> }) {
  const { t } = useWords();
  const name = params.name!;
  const isNew = name === "+";
  const asked = useAsk(["rule", name], (signal) => api.GET("/v1/rules/{name}", { params: { path: { name } }, signal }), { enabled: !isNew });
  if (isNew) return <Page title={t("rule.newTitle")}><Write /></Page>;
  return (
    <Page title={name} lead={asked.data && <Standing of={asked.data} />} actions={<Link className="button" href="/rules">{t("rule.back")}</Link>}>
      <Result of={asked}>
        {(rule) => (
          <>
            {rule.origin === "api" && <Steps of={rule} />}
            <Write rule={rule} />
            {rule.origin === "api" && <Versions of={rule} />}
          </>
        )}
      </Result>
    </Page>
  );
}

function Standing({ of }: { of: Shown }) {
  const { t } = useWords();
  return (
    <span className="row">
      <RuleState of={of.state} />
      {of.version !== null && t("rule.version", { version: of.version })}
      {of.in_force !== null && of.in_force.version !== of.version && <>· {t("rule.inForceVersion", { version: of.in_force.version ?? 0 })} <RuleState of={of.in_force.state} /></>}
      {of.origin === "settings" && t("rule.settingsOrigin")}
    </span>
  );
}

/** What may come next in the rule's life, and by whom. */
function Steps({ of }: { of: Shown }) {
  const { t } = useWords();
  const may = useMay();
  const { say } = useToasts();
  const [asking, setAsking] = useState<"approve" | "live" | "shadow" | "retire" | null>(null);
  const [note, setNote] = useState("");
  const [job, setJob] = useState<Job>();
  const running = useJob(job);
  const stale = [["rule", of.name], ["rules"]];
  const step = useChange(async (what: "approve" | "live" | "shadow" | "retire") => {
    const at = { params: { path: { name: of.name } }, body: { ...(what === "retire" ? {} : { version: of.version }), note: note || null } as never };
    const answer = what === "approve" ? await the(api.POST("/v1/rules/{name}:approve", at))
      : what === "live" ? await the(api.POST("/v1/rules/{name}:live", at))
        : what === "shadow" ? await the(api.POST("/v1/rules/{name}:shadow", at)) : await the(api.POST("/v1/rules/{name}:retire", at));
    return answer as Shown | Job;
  }, {
    stale, done: (answer, what) => {
      setAsking(null);
      setNote("");
      if ("kind" in answer) setJob(answer);
      else say(t(`rule.done.${what}`, { name: of.name }));
    },
  });
  const canApprove = of.state === "draft";
  const canForce = of.state === "approved" || of.state === "shadow" || of.state === "live";
  const shadowFree = of.in_force === null || of.in_force.version === of.version || of.in_force.state !== "live";
  return (
    <Card title={t("rule.life")}>
      <ol className="row life" aria-label={t("rule.life")}>
        {(["draft", "approved", "shadow", "live"] as const).map((state) => <li key={state} aria-current={of.state === state ? "step" : undefined}>{t(`rule.state.${state}`)}</li>)}
      </ol>
      <div className="row">
        {canApprove && <button type="button" className="primary" disabled={!may("POST /v1/rules/{name}:approve")} onClick={() => setAsking("approve")}>{t("rule.approve")}</button>}
        {canForce && of.state !== "live" && <button type="button" className="primary" disabled={!may("POST /v1/rules/{name}:live")} onClick={() => setAsking("live")}>{t("rule.goLive")}</button>}
        {canForce && of.state !== "shadow" && shadowFree && <button type="button" disabled={!may("POST /v1/rules/{name}:shadow")} onClick={() => setAsking("shadow")}>{t("rule.goShadow")}</button>}
        {(of.in_force !== null || of.state === "draft" || of.state === "approved") && (
          <button type="button" className="danger" disabled={!may("POST /v1/rules/{name}:retire")} onClick={() => setAsking("retire")}>{t("rule.retire")}</button>
        )}
      </div>
      {canApprove && <p className="dim small">{t("rule.second")}</p>}
      {running !== undefined && running.state === "running" && <p role="status">{t("rule.building")} <progress max={1} value={running.progress ?? 0} aria-label={t("rule.building")} /></p>}
      {running?.state === "failed" && <p className="note bad" role="alert">{running.error}</p>}
      <Modal title={asking === null ? "" : t(`rule.ask.${asking}`, { name: of.name })} open={asking !== null} onClose={() => setAsking(null)}>
        <form className="stack" onSubmit={(event) => { event.preventDefault(); if (asking !== null) step.mutate(asking); }}>
          <p>{asking !== null && t(`rule.means.${asking}`)}</p>
          <pre className="note">{of.when}</pre>
          <label className="field"><span>{t("note.optional")}</span><textarea rows={2} maxLength={512} value={note} onChange={(event) => setNote(event.target.value)} /></label>
          <div className="row end">
            <button type="button" onClick={() => setAsking(null)}>{t("cancel")}</button>
            <button className="primary" disabled={step.isPending}>{asking !== null && t(asking === "approve" ? "rule.approve" : asking === "live" ? "rule.goLive" : asking === "shadow" ? "rule.goShadow" : "rule.retire")}</button>
          </div>
        </form>
      </Modal>
    </Card>
  );
}

const since = { all: null, "7d": 7, "30d": 30, "90d": 90 } as const;

function Write({ rule }: { rule?: Shown }) {
  const { t } = useWords();
  const may = useMay();
  const [, go] = useLocation();
  const { say, fail } = useToasts();
  const { outcomes, entities } = useInForce();
  const features = useAsk(["features"], (signal) => api.GET("/v1/features", { signal }), { staleTime: 60_000 });
  const lists = useAsk(["lists"], (signal) => api.GET("/v1/lists", { signal }), { staleTime: 60_000 });
  const status = useAsk(["status"], (signal) => api.GET("/v1/status", { signal }), { staleTime: 10_000 });
  const [name, setName] = useDraft("name", rule?.name ?? "");
  const [when, setWhen] = useDraft("when", rule?.when ?? "");
  const [then, setThen] = useDraft("then", rule?.then ?? "");
  const [text, setText] = useDraft("text", rule?.text ?? "");
  const [span, setSpan] = useState<keyof typeof since>("all");
  const [job, setJob] = useState<Job>();
  useEffect(() => {
    if (then === "" && outcomes.length > 0) setThen(outcomes[Math.max(outcomes.length - 2, 0)]!);
  }, [outcomes.length]);

  const canWrite = may("POST /v1/rules") && rule?.origin !== "settings";
  const changed = rule === undefined || when !== rule.when || then !== rule.then || (text || null) !== rule.text;
  const [settled, setSettled] = useState(when);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(when), 350);
    return () => clearTimeout(timer);
  }, [when]);
  // The compiler of the server looks on; it keeps nothing.
  const check = useQuery({
    queryKey: ["check", settled, then],
    enabled: canWrite && settled.trim() !== "" && then !== "",
    staleTime: Infinity, retry: false,
    queryFn: async (): Promise<Mistake[]> => {
      const { readMistake } = await import("../components/CodeEditor");
      try {
        await the(api.POST("/v1/rules", { params: { query: { dry_run: true } }, body: { name: "NAME_TO_COME", when: settled, then } }));
        return [];
      } catch (refused) {
        const told = refused instanceof ApiError ? refused.problem.errors?.filter((one) => one.pointer === "/when") : undefined;
        if (told === undefined || told.length === 0) throw refused;
        return told.map((one) => readMistake(one.detail));
      }
    },
  });
  const mistakes = useMemo(() => (settled === when && check.data) || [], [settled, when, check.data]);

  const save = useChange(
    async () => (await the(api.POST("/v1/rules", { body: { name: name.trim(), when, then, text: text || null }, ...(rule === undefined ? { headers: { "If-None-Match": "*" } } : {}) }))) as Shown,
    { stale: [["rules"], ["rule", name.trim()]], done: (made) => {
      say(t("rule.saved", { name: made.name, version: made.version ?? 1 }));
      if (rule === undefined) go(`/rules/${encodeURIComponent(made.name)}`);
    } },
  );
  // The newest time of the log, not of this clock: what is replayed may be old.
  const until = (status.data as { filled_until?: string | null } | undefined)?.filled_until ?? null;
  const backtest = useChange(() => {
    const days = since[span];
    const from = days === null || until === null ? {} : { from: new Date(new Date(until).getTime() - days * 86400000).toISOString() };
    return the(api.POST("/v1/rules:backtest", { body: { rules: { [name.trim() || "NEW_RULE"]: { when, then } }, ...from } as never }));
  }, { done: (made) => setJob(made as Job), quiet: false });
  const tried = useJob(job);
  useEffect(() => {
    if (tried?.state === "failed" && tried.error) fail(tried.error);
  }, [tried?.state]);

  const sound = when.trim() !== "" && settled === when && mistakes.length === 0 && !check.isFetching && !check.isError;
  return (
    <>
      <Card title={rule === undefined ? undefined : t(canWrite ? "rule.edit" : "rule.text")}>
        <form className="stack" onSubmit={(event) => { event.preventDefault(); save.mutate(undefined as never); }}>
          <div className="spread">
            {rule === undefined && (
              <label className="field"><span>{t("rule.name")}</span>
                <input required pattern="[A-Za-z0-9_.\-]{1,100}" title={t("rule.nameHint")} value={name} onChange={(event) => setName(event.target.value)} autoComplete="off" spellCheck={false} /></label>
            )}
            <Select name={t("rule.then")} value={then} onChange={setThen} options={(outcomes.includes(then) || then === "" ? outcomes : [then, ...outcomes]).map((one) => [one, one] as const)} />
            <label className="field grow"><span>{t("rule.words")}</span>
              <input value={text} maxLength={512} placeholder={t("rule.wordsHint")} readOnly={!canWrite} onChange={(event) => setText(event.target.value)} /></label>
          </div>
          <div className="field">
            <span className="field-name">{t("rule.when")}</span>
            <Suspense fallback={<Loading rows={3} />}>
              <CodeEditor value={when} onChange={setWhen} mistakes={mistakes} features={features.data?.features ?? []} entities={entities.map((one) => one.kind)}
                lists={lists.data?.lists.map((one) => one.name) ?? []} label={t("rule.when")} placeholder={t("rule.whenHint")} readOnly={!canWrite} />
            </Suspense>
            <div role="status" className="small">
              {mistakes.map((one) => <p key={one.text} className="bad-text">{t("rule.mistake", { line: one.line, column: one.column })} {one.text}</p>)}
              {check.isError && canWrite && <p className="bad-text">{check.error instanceof ApiError ? describe(check.error, t) : String(check.error)}</p>}
              {sound && canWrite && <p className="good-text">{t("rule.compiles")}</p>}
            </div>
          </div>
          <div className="row between">
            <div className="row">
              {canWrite && <button className="primary" disabled={!sound || !changed || save.isPending}>{t(rule === undefined ? "rule.saveDraft" : "rule.saveVersion")}</button>}
              {may("POST /v1/rules:backtest") && (
                <>
                  <button type="button" disabled={when.trim() === "" || mistakes.length > 0 || backtest.isPending || tried?.state === "running"} onClick={() => backtest.mutate(undefined as never)}>{t("backtest.do")}</button>
                  <Select name={t("backtest.span")} hideName value={span} onChange={setSpan}
                    options={[["all", t("backtest.all")], ["7d", t("backtest.days", { n: 7 })], ["30d", t("backtest.days", { n: 30 })], ["90d", t("backtest.days", { n: 90 })]]} />
                </>
              )}
            </div>
          </div>
        </form>
      </Card>
      {(tried !== undefined || backtest.isPending) && (
        <Card title={t("backtest.title")}>
          {tried === undefined || tried.state === "running" ? <div role="status"><p>{t("backtest.running")}</p><progress max={1} value={tried?.progress ?? 0} aria-label={t("backtest.running")} /></div>
            : tried.state === "done" ? <Backtest of={tried.result as unknown as BacktestResult} /> : <p className="note bad" role="alert">{tried.error}</p>}
        </Card>
      )}
    </>
  );
}

function Versions({ of }: { of: Shown }) {
  const { t } = useWords();
  return (
    <Card title={t("rule.versions")}>
      <ul className="timeline">
        {of.versions.map((one) => (
          <li key={one.version}>
            <span className="row"><strong>{t("rule.version", { version: one.version ?? 0 })}</strong><RuleState of={one.state} /><Outcome of={one.then} /></span>
            <code className="break">{one.when}</code>
            <Facts of={[
              [t("rule.author"), <>{personText(one.author)} <span className="dim"><When at={one.written} /></span></>],
              ...(one.approver ? [[t("rule.approver"), <>{personText(one.approver)} <span className="dim"><When at={one.approved} /></span></>] as [string, React.ReactNode]] : []),
              ...(one.note ? [[t("note"), one.note] as [string, string]] : []),
              ...(one.tested ? [[t("rule.tested"), t("rule.testedWords", { n: one.tested.run, failed: one.tested.failed })] as [string, string]] : []),
            ]} />
          </li>
        ))}
      </ul>
    </Card>
  );
}
