import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { Link } from "wouter";
import { api, type Schemas, the } from "../api/client";
import { useAsk, useChange, useJob } from "../api/hooks";
import { Card, Facts, Page, When } from "../components/basics";
import { useWords } from "../i18n";
import { modelPath } from "./Models";

type Job = Schemas["Job"];
const KEPT = "assay.training"; // so that a page that is loaded again finds the training that runs

// Others are names of methods.
const stages = new Set(["reading events", "reading labels", "importance", "search"]);

export default function Train() {
  const { t, percent, duration } = useWords();
  const [started, setStarted] = useState<Job | undefined>(() => {
    const id = sessionStorage.getItem(KEPT);
    return id === null ? undefined : ({ id, kind: "train", state: "running" } as Job);
  });
  const [reload, setReload] = useState(true);
  const job = useJob(started);
  const models = useAsk(["models"], (signal) => api.GET("/v1/models", { signal }));
  const champion = models.data?.models.find((one) => one.aliases.includes("champion"));
  const train = useChange(() => the(api.POST("/v1/models:train", { params: { query: reload ? { reload: "true" } as never : {} }, body: {} })), {
    done: (made) => {
      sessionStorage.setItem(KEPT, (made as Job).id);
      setStarted(made as Job);
    },
  });
  const client = useQueryClient();
  useEffect(() => {
    if (job?.state === "done") for (const key of ["models", "features", "status"]) void client.invalidateQueries({ queryKey: [key] });
  }, [job?.state]);
  const running = job?.state === "running";
  return (
    <Page title={t("nav.train")} lead={t("train.lead")}>
      <Card title={t("train.start")}>
        <p className="dim">{t("train.settings")}</p>
        {champion && <Facts of={[[t("train.champion"), <><Link className="mono" href={modelPath(champion.id)}>{champion.id}</Link> <span className="dim"><When at={champion.made} ago /></span></>]]} />}
        <label className="check"><input type="checkbox" checked={reload} onChange={(event) => setReload(event.target.checked)} />{t("train.reload")}</label>
        <div><button type="button" className="primary" disabled={running || train.isPending} onClick={() => train.mutate(undefined as never)}>{t("train.do")}</button></div>
      </Card>
      {job !== undefined && (
        <Card title={t("train.progress")}>
          {running && (
            <div role="status" className="stack">
              <p>{t("train.stage", { stage: job.stage === undefined ? "…" : stages.has(job.stage) ? t(`stage.${job.stage}` as "stage.importance") : job.stage })}{job.progress !== undefined && <span className="num"> · {percent(job.progress, 0)}</span>} {job.seconds_left !== undefined && <span className="dim">{t("train.left", { time: duration(job.seconds_left) })}</span>}</p>
              <progress max={1} value={job.progress ?? undefined} aria-label={t("train.progress")} />
            </div>
          )}
          {job.state === "failed" && <p className="note bad" role="alert">{job.error}</p>}
          {job.state === "done" && <Verdict of={job.result as never} />}
        </Card>
      )}
    </Page>
  );
}

function Verdict({ of }: { of: Record<string, unknown> }) {
  const { t, figure } = useWords();
  const model = of.model as { id: string; champion: boolean } | undefined;
  const test = (of.test ?? (of.metrics as Record<string, unknown> | undefined)?.test) as { average_precision?: { value: number; low: number; high: number }; better_than_chance?: boolean } | undefined;
  const better = test?.better_than_chance ?? (of.better_than_chance as boolean | undefined);
  return (
    <div className="stack" role="status">
      <p className={better === false ? "note bad" : "note good"}>{t(better === false ? "train.chance" : model?.champion ? "train.champ" : "train.done")}</p>
      <Facts of={[
        ...(test?.average_precision ? [[t("model.average_precision"), `${figure(test.average_precision.value)} (${figure(test.average_precision.low)} – ${figure(test.average_precision.high)})`] as [string, string]] : []),
        ...(model ? [[t("model.version"), <Link className="mono" href={modelPath(model.id)}>{model.id}</Link>] as [string, React.ReactNode]] : []),
      ]} />
      <Link className="button" href="/models">{t("train.see")}</Link>
    </div>
  );
}
