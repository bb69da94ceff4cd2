import { type FormEvent, type ReactNode, useState } from "react";
import { Tab, TabList, TabPanel, Tabs } from "react-aria-components";
import { useSearchParams } from "wouter";
import { api, type Schemas, the } from "../api/client";
import { useAsk, useChange, useJob, useSettings } from "../api/hooks";
import { type Role, roles } from "../api/roles";
import { useMay } from "../app/session";
import { useToasts } from "../app/toasts";
import { Badge, Card, Facts, Page, Tiles, When } from "../components/basics";
import { Cards } from "../components/DataTable";
import { Modal } from "../components/Modal";
import { Allowed, Empty, Result } from "../components/states";
import { useWords } from "../i18n";

type Key = Schemas["Key"];
type User = Schemas["User"];
const tabs = ["health", "settings", "keys", "users"] as const;

export default function Admin() {
  const { t } = useWords();
  const [search, setSearch] = useSearchParams();
  const at = search.get("tab") ?? "health";
  return (
    <Page title={t("nav.admin")} lead={t("admin.lead")}>
      <Tabs className="tabs" selectedKey={at} onSelectionChange={(to) => setSearch({ tab: String(to) })}>
        <TabList aria-label={t("nav.admin")}>{tabs.map((tab) => <Tab key={tab} id={tab}>{t(`admin.${tab}`)}</Tab>)}</TabList>
        <TabPanel id="health"><Health /></TabPanel>
        <TabPanel id="settings"><Settings /></TabPanel>
        <TabPanel id="keys"><Allowed route="GET /v1/keys"><Keys /></Allowed></TabPanel>
        <TabPanel id="users"><Allowed route="GET /v1/users"><Users /></Allowed></TabPanel>
      </Tabs>
    </Page>
  );
}

interface Status {
  name: string;
  uptime_s: number;
  ready: boolean;
  errors: string[];
  warnings: string[];
  plan: { id: string; seq: number; model: string | null; building: number };
  filled_until: string | null;
  decisions: { all: number; repeated: number; fallbacks: number };
  stages: Record<string, { p50_us: number; p99_us: number }>;
  queue: { length: number; capacity: number };
  log: { bytes: number; seq: number; lag: number };
  store: { lag: number } | null;
  memory: { resident: number; state: number; limit: number };
  volume: { bytes: number; free: number; used: number };
  http: { connections: number; answers: Record<string, number> };
}

function Health() {
  const { t, number, percent, duration, dateTime, bytes } = useWords();
  const asked = useAsk(["status"], (signal) => api.GET("/v1/status", { signal }), { refetchInterval: 5000 });
  return (
    <Result of={asked}>
      {(data) => {
        const s = data as unknown as Status;
        return (
          <>
            {s.errors.map((one) => <p key={one} className="note bad">{one}</p>)}
            {s.warnings.map((one) => <p key={one} className="note warn">{one}</p>)}
            <Tiles of={[
              { name: t("admin.state"), value: <Badge tone={s.ready && s.errors.length === 0 ? "good" : "bad"}>{t(s.ready ? "admin.ready" : "admin.notReady")}</Badge> },
              { name: t("admin.uptime"), value: duration(s.uptime_s) },
              { name: t("admin.decisions"), value: number(s.decisions.all) },
              { name: t("admin.queue"), value: number(s.queue.length), note: `/ ${number(s.queue.capacity)}` },
              { name: t("admin.storeLag"), value: s.store === null ? "–" : number(s.store.lag), note: t("admin.records") },
              { name: t("admin.disk"), value: percent(s.volume.used, 0), note: t("admin.free", { bytes: bytes(s.volume.free) }) },
              { name: t("admin.memory"), value: bytes(s.memory.resident), note: `/ ${bytes(s.memory.limit)}` },
            ]} />
            <div className="grid">
              <Card title={t("admin.stages")} bare>
                <div className="scroll"><table>
                  <thead><tr><th scope="col">{t("admin.stage")}</th><th scope="col" className="number">{t("live.median")}</th><th scope="col" className="number">p99</th></tr></thead>
                  <tbody>{Object.entries(s.stages).map(([stage, of]) => <tr key={stage}><td>{stage}</td><td className="number">{duration(of.p50_us / 1e6)}</td><td className="number">{duration(of.p99_us / 1e6)}</td></tr>)}</tbody>
                </table></div>
              </Card>
              <Card title={t("admin.inForce")}>
                <Facts of={[
                  [t("decision.plan"), <code>{s.plan.id}</code>], [t("decision.model"), s.plan.model ?? t("decision.noModel")],
                  [t("admin.filled"), s.filled_until ? dateTime(s.filled_until) : "–"], [t("admin.log"), `${number(s.log.seq)} ${t("admin.records")} · ${bytes(s.log.bytes)}`],
                  [t("admin.connections"), number(s.http.connections)], [t("admin.answers"), Object.entries(s.http.answers).map(([kind, n]) => `${kind}: ${number(n)}`).join(" · ")],
                ]} />
              </Card>
            </div>
          </>
        );
      }}
    </Result>
  );
}

/** "key: value  # where from", line by line, as the server prints them. */
function readLines(yaml: string) {
  const path: string[] = [];
  return yaml.split("\n").filter((line) => line.trim() !== "").map((line) => {
    const depth = Math.floor(/^ */.exec(line)![0].length / 2);
    const cut = line.lastIndexOf("  # ");
    const [text, origin] = cut < 0 ? [line.trim(), ""] : [line.slice(0, cut).trim(), line.slice(cut + 4)];
    const colon = text.indexOf(":");
    const name = colon < 0 ? text : text.slice(0, colon);
    path.length = depth;
    path[depth] = name;
    return { path: path.filter(Boolean).join("."), value: colon < 0 ? "" : text.slice(colon + 1).trim(), origin };
  });
}

function Settings() {
  const { t } = useWords();
  const may = useMay();
  const { say } = useToasts();
  const [wanted, setWanted] = useState("");
  const [own, setOwn] = useState(true);
  const asked = useSettings();
  const [job, setJob] = useState<Schemas["Job"]>();
  const running = useJob(job);
  const reload = useChange(() => the(api.POST("/v1/settings:reload", { body: {} })), { stale: [["settings"], ["rules"], ["features"], ["models"]], done: (made) => { setJob(made as Schemas["Job"]); say(t("admin.reloaded")); } });
  return (
    <Card bare title={t("admin.settings")} actions={may("POST /v1/settings:reload") && <button type="button" disabled={reload.isPending || running?.state === "running"} onClick={() => reload.mutate(undefined as never)}>{t("admin.reload")}</button>}>
      <div className="body">
        <p className="dim">{t("admin.settingsLead")}</p>
        {running?.state === "running" && <progress max={1} value={running.progress ?? 0} aria-label={t("admin.reload")} />}
        <div className="row">
          <input type="search" aria-label={t("admin.findKey")} placeholder={t("admin.findKey")} value={wanted} onChange={(event) => setWanted(event.target.value)} />
          <label className="check"><input type="checkbox" checked={own} onChange={(event) => setOwn(event.target.checked)} />{t("admin.onlySet")}</label>
        </div>
      </div>
      <Result of={asked}>
        {(data) => {
          const lines = readLines(data.yaml).filter((one) => one.value !== "" && (!own || one.origin !== "default") && one.path.includes(wanted));
          return lines.length === 0 ? <Empty /> : (
            <Cards caption={t("admin.settings")} head={[{ title: t("admin.key"), kind: "lead" }, { title: t("why.value"), kind: "wide" }, { title: t("admin.origin"), kind: "wide" }]}
              rows={lines.map((one, i) => ({ key: `${i}`, cells: [<span className="mono break">{one.path}</span>, <code>{one.value}</code>, one.origin === "default" ? <span className="dim">{t("admin.default")}</span> : one.origin] }))} />
          );
        }}
      </Result>
    </Card>
  );
}

function RoleBoxes({ given }: { given: readonly string[] }) {
  const { t } = useWords();
  return (
    <fieldset className="roles">
      <legend>{t("admin.roles")}</legend>
      {roles.map((role) => (
        <label key={role} className="check"><input type="checkbox" name="roles" value={role} defaultChecked={given.includes(role)} /><span><strong>{role}</strong> <span className="dim">{t(`role.${role}`)}</span></span></label>
      ))}
    </fieldset>
  );
}
const rolesOf = (form: FormData) => form.getAll("roles").map(String) as Role[];

function Form({ onSubmit, onClose, action, busy, children }: { onSubmit: (form: FormData) => void; onClose: () => void; action: string; busy: boolean; children: ReactNode }) {
  const { t } = useWords();
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    onSubmit(new FormData(event.currentTarget));
  };
  return (
    <form className="stack" onSubmit={submit}>
      {children}
      <div className="row end"><button type="button" onClick={onClose}>{t("cancel")}</button><button className="primary" disabled={busy}>{action}</button></div>
    </form>
  );
}

function Secret({ of, onClose }: { of: string; onClose: () => void }) {
  const { t } = useWords();
  return (
    <div className="stack">
      <p className="note warn">{t("key.once")}</p>
      <label className="field"><span>{t("key.secret")}</span><input readOnly className="mono" value={of} onFocus={(event) => event.target.select()} /></label>
      <div className="row end">
        <button type="button" onClick={() => void navigator.clipboard?.writeText(of)}>{t("copy")}</button>
        <button type="button" className="primary" onClick={onClose}>{t("done")}</button>
      </div>
    </div>
  );
}

function Keys() {
  const { t } = useWords();
  const may = useMay();
  const { say } = useToasts();
  const [open, setOpen] = useState<"new" | { rotate: Key } | { revoke: Key } | null>(null);
  const [secret, setSecret] = useState<string | null>(null);
  const close = () => { setOpen(null); setSecret(null); };
  const stale = [["keys"]];
  const asked = useAsk(["keys"], (signal) => api.GET("/v1/keys", { signal }));
  const make = useChange((form: FormData) => the(api.POST("/v1/keys", { body: { name: String(form.get("name")), roles: rolesOf(form), expires: String(form.get("expires") ?? "") || null } as never })), { stale, done: (made) => setSecret(made.secret) });
  const rotate = useChange((key: Key) => the(api.POST("/v1/keys/{id}:rotate", { params: { path: { id: key.id } }, body: {} as never })), { stale, done: (made) => setSecret(made.secret) });
  const revoke = useChange((key: Key) => the(api.DELETE("/v1/keys/{id}", { params: { path: { id: key.id } } })), { stale, done: (key) => { say(t("key.revoked", { name: key.name })); close(); } });
  const tone = { active: "good", expired: "warn", revoked: "neutral" } as const;
  return (
    <Card bare title={t("admin.keys")} actions={may("POST /v1/keys") && <button type="button" className="primary" onClick={() => setOpen("new")}>{t("key.new")}</button>}>
      <Result of={asked} empty={(data) => data.items.length === 0 && <Empty title={t("key.none")} />}>
        {(data) => (
          <Cards caption={t("admin.keys")} head={[{ title: t("key.name"), kind: "lead" }, { title: t("admin.roles") }, { title: t("rule.state") }, { title: t("key.created"), kind: "nowrap" }, { title: t("list.expires"), kind: "nowrap" }, { title: t("key.lastUsed"), kind: "nowrap" }, { title: t("table.actions"), kind: "nowrap", hidden: true }]}
            rows={data.items.map((key) => ({ key: key.id, cells: [
              <><strong>{key.name}</strong> <span className="mono dim small">{key.prefix}</span></>, key.roles.join(", "), <Badge tone={tone[key.state]}>{t(`key.state.${key.state}`)}</Badge>,
              <><When at={key.created} /> <span className="dim">{key.by}</span></>, key.expires === null ? t("list.never") : <When at={key.expires} />, <When at={key.last_used} ago />,
              key.state === "active" && may("POST /v1/keys") && <><button type="button" className="quiet" onClick={() => setOpen({ rotate: key })}>{t("key.rotate")}<span className="hidden"> {key.name}</span></button><button type="button" className="quiet bad-text" onClick={() => setOpen({ revoke: key })}>{t("key.revoke")}<span className="hidden"> {key.name}</span></button></>,
            ] }))} />
        )}
      </Result>
      <Modal title={t(open !== null && open !== "new" && "revoke" in open ? "key.revokeTitle" : open === "new" ? "key.new" : "key.rotateTitle")} open={open !== null} onClose={close}>
        {secret !== null ? <Secret of={secret} onClose={close} />
          : open === "new" ? (
            <Form action={t("key.make")} onClose={close} busy={make.isPending} onSubmit={(form) => make.mutate(form)}>
              <label className="field"><span>{t("key.name")}</span><input name="name" required maxLength={64} /></label>
              <RoleBoxes given={["viewer"]} />
              <label className="field"><span>{t("list.expires")}</span><input name="expires" placeholder="365d" /><small>{t("list.expiresHint")}</small></label>
            </Form>
          ) : open !== null && "rotate" in open ? (
            <Form action={t("key.rotate")} onClose={close} busy={rotate.isPending} onSubmit={() => rotate.mutate(open.rotate)}><p>{t("key.rotateText", { name: open.rotate.name })}</p></Form>
          ) : open !== null ? (
            <Form action={t("key.revoke")} onClose={close} busy={revoke.isPending} onSubmit={() => revoke.mutate(open.revoke)}><p>{t("key.revokeText", { name: open.revoke.name })}</p></Form>
          ) : null}
      </Modal>
    </Card>
  );
}

function Users() {
  const { t } = useWords();
  const may = useMay();
  const { say } = useToasts();
  const [open, setOpen] = useState<"new" | User | null>(null);
  const close = () => setOpen(null);
  const asked = useAsk(["users"], (signal) => api.GET("/v1/users", { signal }));
  const make = useChange((form: FormData) => the(api.POST("/v1/users", { body: { name: String(form.get("name")), password: String(form.get("password")), roles: rolesOf(form) } })), { stale: [["users"]], done: (user) => { say(t("user.made", { name: user.name })); close(); } });
  // The server changes one thing at a time.
  const change = useChange(async ({ user, form }: { user: User; form: FormData }) => {
    const [password, given, disabled] = [String(form.get("password") ?? ""), rolesOf(form), form.get("disabled") !== null];
    const changes = [
      ...(password === "" ? [] : [{ password }]), ...(disabled === user.disabled ? [] : [{ disabled }]),
      ...(given.length === user.roles.length && given.every((role) => user.roles.includes(role)) ? [] : [{ roles: given }]),
    ];
    for (const body of changes) await the(api.POST("/v1/users/{name}", { params: { path: { name: user.name } }, body }));
    return user;
  }, { stale: [["users"]], done: (user) => { say(t("user.changed", { name: user.name })); close(); } });
  return (
    <Card bare title={t("admin.users")} actions={may("POST /v1/users") && <button type="button" className="primary" onClick={() => setOpen("new")}>{t("user.new")}</button>}>
      <Result of={asked} empty={(data) => data.items.length === 0 && <Empty title={t("user.none")}>{t("user.noneHint")}</Empty>}>
        {(data) => (
          <Cards caption={t("admin.users")} head={[{ title: t("signIn.name"), kind: "lead" }, { title: t("admin.roles") }, { title: t("rule.state") }, { title: t("key.created"), kind: "nowrap" }, { title: t("rule.changed"), kind: "nowrap" }, { title: t("table.actions"), hidden: true }]}
            rows={data.items.map((user) => ({ key: user.name, cells: [
              user.name, user.roles.join(", "), <Badge tone={user.disabled ? "neutral" : "good"}>{t(user.disabled ? "user.disabled" : "user.active")}</Badge>, <When at={user.created} />, <When at={user.changed} />,
              may("POST /v1/users/{name}") && <button type="button" className="quiet" onClick={() => setOpen(user)}>{t("user.change")}<span className="hidden"> {user.name}</span></button>,
            ] }))} />
        )}
      </Result>
      <Modal title={open === null ? "" : open === "new" ? t("user.new") : t("user.changeTitle", { name: open.name })} open={open !== null} onClose={close}>
        {open !== null && (
          <Form action={t(open === "new" ? "user.make" : "save")} onClose={close} busy={make.isPending || change.isPending} onSubmit={(form) => (open === "new" ? make.mutate(form) : change.mutate({ user: open, form }))}>
            {open === "new" && <label className="field"><span>{t("signIn.name")}</span><input name="name" required autoComplete="off" /></label>}
            <label className="field"><span>{t(open === "new" ? "signIn.password" : "user.newPassword")}</span><input name="password" type="password" minLength={12} maxLength={256} required={open === "new"} autoComplete="new-password" /><small>{t("user.passwordHint")}</small></label>
            <RoleBoxes given={open === "new" ? ["viewer"] : open.roles} />
            {open !== "new" && <label className="check"><input type="checkbox" name="disabled" defaultChecked={open.disabled} />{t("user.disable")}</label>}
          </Form>
        )}
      </Modal>
    </Card>
  );
}
