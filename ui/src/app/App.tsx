// The frame around the pages: navigation by role, who is signed in, theme and language.
import { Fragment, Suspense, useEffect, useRef, useState } from "react";
import { Button, Header, Menu, MenuItem, MenuSection, MenuTrigger, Popover } from "react-aria-components";
import { Link, Redirect, Route, Switch, useLocation } from "wouter";
import { Page } from "../components/basics";
import { Empty, Failed, Loading, NoPermission } from "../components/states";
import { type Language, languages, useWords } from "../i18n";
import type { Key } from "../i18n/en";
import SignIn from "../pages/SignIn";
import { ErrorBoundary } from "./ErrorBoundary";
import { pages } from "./pages";
import { type Theme, setTheme, themes, useTheme } from "./preferences";
import { useSession } from "./session";
import { useHelp, useShortcuts } from "./shortcuts";
import { useToasts } from "./toasts";

export function App() {
  const session = useSession();
  const { t } = useWords();
  if (session.loading) return <main><Loading /></main>;
  if (session.failure !== null) return <main><Failed error={session.failure} retry={session.retry} /></main>;
  if (session.who === null) return <SignIn title={t("signIn.title")} />;
  return <Frame key={`${session.who.kind}:${session.who.id}`} />;
}

function Frame() {
  const { t } = useWords();
  const { may } = useSession();
  const [place, go] = useLocation();
  const [open, setOpen] = useState(false);
  const main = useRef<HTMLElement>(null);
  const first = useRef(true);
  const shown = pages.filter((one) => one.group !== undefined && may(one.needs));
  const home = shown[0]?.path ?? "/live";

  useShortcuts([
    ...shown.filter((one) => one.key).map((one) => ({ keys: `g ${one.key}`, what: t("shortcuts.go", { page: t(one.name) }), run: () => go(one.path) })),
    {
      keys: "/", what: t("shortcuts.search"), run: () => {
        const field = document.querySelector<HTMLInputElement>("main input[type=search]");
        if (field) field.focus();
        else go("/search");
      },
    },
  ]);
  useEffect(() => {
    // A new page is read from its start.
    setOpen(false);
    if (first.current) first.current = false;
    else {
      main.current?.focus({ preventScroll: true });
      scrollTo(0, 0);
    }
  }, [place]);

  return (
    <div className="app">
      <a className="skip" href="#main" onClick={(event) => { event.preventDefault(); main.current?.focus(); }}>{t("skip")}</a>
      <div className="bar">
        <Brand home={home} />
        <button type="button" aria-expanded={open} aria-controls="side" onClick={() => setOpen(!open)}>{t("menu")}</button>
      </div>
      <div className={open ? "side open" : "side"} id="side">
        <Brand home={home} />
        <nav aria-label={t("nav.name")}>
          {[...new Set(shown.map((one) => one.group as Key))].map((group) => (
            <Fragment key={group}>
              <div className="group">{t(group)}</div>
              {shown.filter((one) => one.group === group).map((one) => (
                <Link key={one.path} className="item" href={one.path}
                  aria-current={place === one.path || place.startsWith(`${one.path}/`) ? "page" : undefined}>
                  {t(one.name)}
                </Link>
              ))}
            </Fragment>
          ))}
        </nav>
        <Me />
      </div>
      <main id="main" ref={main} tabIndex={-1}>
        <ErrorBoundary place={place} words={{ title: t("error.title"), text: t("error.page"), again: t("retry") }}>
          <Suspense fallback={<Loading rows={8} />}>
            <Switch>
              <Route path="/"><Redirect to={home} replace /></Route>
              {pages.map((one) => (
                <Route key={one.path} path={one.path}>
                  {(params) => may(one.needs)
                    ? <one.page key={place} params={decoded(params as Record<string, string | undefined>)} />
                    : <Page title={t(one.name)}><NoPermission /></Page>}
                </Route>
              ))}
              <Route><Page title={t("error.notFound")}><Empty title={t("error.noPage")}><Link href={home}>{t("error.home")}</Link></Empty></Page></Route>
            </Switch>
          </Suspense>
        </ErrorBoundary>
      </main>
    </div>
  );
}

const decoded = (params: Record<string, string | undefined>) =>
  Object.fromEntries(Object.entries(params).map(([name, value]) => [name, value === undefined ? value : safeDecode(value)]));
function safeDecode(text: string) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

const Brand = ({ home }: { home: string }) => (
  <Link className="brand" href={home}><img src="/favicon.svg" alt="" />Assay</Link>
);

export function Me() {
  const { t, language, setLanguage } = useWords();
  const { who, signOut } = useSession();
  const { fail } = useToasts();
  const help = useHelp();
  const theme = useTheme();
  const name = who === null ? t("me.settings") : who.kind === "local" ? t("me.local") : who.name || who.id;
  return (
    <div className="me">
      <MenuTrigger>
        <Button className="quiet" aria-label={t("me.menu", { name })}><span>{name}</span><span aria-hidden="true">⋯</span></Button>
        <Popover className="popover" placement="top start">
          <Menu className="menu" onAction={(key) => {
            if (key === "help") help();
            if (key === "out") signOut().catch(fail);
          }}>
            <MenuSection selectionMode="single" selectedKeys={[theme]} onSelectionChange={(keys) => setTheme([...keys][0] as Theme ?? theme)}>
              <Header>{t("me.theme")}</Header>
              {themes.map((one) => <MenuItem key={one} id={one} className="menu-item">{t(`theme.${one}`)}</MenuItem>)}
            </MenuSection>
            <MenuSection selectionMode="single" selectedKeys={[language]} onSelectionChange={(keys) => setLanguage([...keys][0] as Language ?? language)}>
              <Header>{t("me.language")}</Header>
              {Object.entries(languages).map(([key, text]) => <MenuItem key={key} id={key} className="menu-item" textValue={text}><span lang={key}>{text}</span></MenuItem>)}
            </MenuSection>
            <MenuSection>
              <Header>{who === null ? "" : who.roles.join(", ")}</Header>
              <MenuItem id="help" className="menu-item">{t("shortcuts.title")}</MenuItem>
              {who !== null && who.kind !== "local" ? <MenuItem id="out" className="menu-item">{t("me.signOut")}</MenuItem> : null}
            </MenuSection>
          </Menu>
        </Popover>
      </MenuTrigger>
    </div>
  );
}
