import { useMutation, useQuery } from "@tanstack/react-query";
import { type FormEvent, useEffect, useState } from "react";
import { ApiError, api, the } from "../api/client";
import { Select } from "../components/basics";
import { describe } from "../components/states";
import { useSession } from "../app/session";
import { setTheme, themes, useTheme } from "../app/preferences";
import { type Language, languages, useWords } from "../i18n";

export default function SignIn({ title }: { title: string }) {
  const { t, language, setLanguage } = useWords();
  const { signedIn } = useSession();
  const theme = useTheme();
  const [way, setWay] = useState<"password" | "key">("password");
  const [name, setName] = useState("");
  const [secret, setSecret] = useState("");
  useEffect(() => void (document.title = `${title} · Assay`), [title]);
  // 404: the settings name no provider. Elsewhere it leads away, which is not followed here.
  const provider = useQuery({
    queryKey: ["provider"],
    queryFn: async () => (await fetch("/v1/sign-in", { redirect: "manual" })).type === "opaqueredirect",
    staleTime: Infinity, retry: false,
  });
  const signIn = useMutation({
    mutationFn: () => the(api.POST("/v1/sessions", { body: (way === "key" ? { key: secret.trim() } : { name, password: secret }) as never })),
    onSuccess: signedIn,
  });
  const error = signIn.error;
  const words = !(error instanceof ApiError) ? null
    : error.status === 401 ? t(way === "key" ? "signIn.wrongKey" : "signIn.wrong")
      : error.status === 429 ? t("signIn.wait", { s: error.retryAfter ?? 1 }) : describe(error, t);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    signIn.mutate();
  };
  const change = (to: "password" | "key") => {
    setWay(to);
    setSecret("");
    signIn.reset();
  };
  return (
    <main className="sign-in" id="main">
      <div>
        <div className="brand"><img src="/favicon.svg" alt="" />Assay</div>
        <section className="card">
          <div className="body">
            <h1>{title}</h1>
            <form className="stack" onSubmit={submit}>
              {way === "password" && (
                <label className="field">
                  <span>{t("signIn.name")}</span>
                  <input autoComplete="username" required value={name} onChange={(event) => setName(event.target.value)} />
                </label>
              )}
              <label className="field">
                <span>{t(way === "key" ? "signIn.key" : "signIn.password")}</span>
                <input key={way} type="password" autoComplete={way === "key" ? "off" : "current-password"} required value={secret}
                  aria-invalid={words !== null} aria-describedby="sign-in-words" onChange={(event) => setSecret(event.target.value)} />
              </label>
              <div id="sign-in-words" role="alert">{words !== null && <p className="note bad">{words}</p>}</div>
              <button className="primary" disabled={signIn.isPending}>{t("signIn.do")}</button>
            </form>
            {provider.data === true && <a className="button" href="/v1/sign-in">{t("signIn.provider")}</a>}
            <button type="button" className="link" onClick={() => change(way === "key" ? "password" : "key")}>
              {t(way === "key" ? "signIn.byPassword" : "signIn.byKey")}
            </button>
          </div>
        </section>
        <div className="row">
          <Select name={t("me.language")} hideName value={language} onChange={(to: Language) => setLanguage(to)} options={Object.entries(languages) as [Language, string][]} />
          <Select name={t("me.theme")} hideName value={theme} onChange={setTheme} options={themes.map((one) => [one, t(`theme.${one}`)] as const)} />
        </div>
      </div>
    </main>
  );
}
