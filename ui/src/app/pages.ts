// The pages: where they are, what they ask of the server (who may not ask it does not see them), and their code, which
// is loaded when they are opened.
import { type ComponentType, lazy } from "react";
import type { Route } from "../api/roles";
import type { Key } from "../i18n/en";

export interface PageEntry {
  path: string;
  name: Key;
  needs: Route;
  page: ComponentType<{ params: Record<string, string | undefined> }>;
  group?: Key; // in the navigation
  key?: string; // `g` and this
}

const page = (load: () => Promise<{ default: ComponentType<any> }>) => lazy(load);
const Rules = page(() => import("../pages/Rules"));
const Models = page(() => import("../pages/Models"));
const Lists = page(() => import("../pages/Lists"));

export const pages: PageEntry[] = [
  { path: "/live", name: "nav.live", needs: "GET /v1/status", group: "nav.watch", key: "l", page: page(() => import("../pages/Live")) },
  { path: "/daily", name: "nav.daily", needs: "GET /v1/rollups", group: "nav.watch", key: "d", page: page(() => import("../pages/Daily")) },
  { path: "/alerts", name: "nav.alerts", needs: "GET /v1/alerts", group: "nav.review", key: "a", page: page(() => import("../pages/Alerts")) },
  { path: "/alerts/:id", name: "nav.alerts", needs: "GET /v1/alerts/{id}", page: page(() => import("../pages/Alert")) },
  { path: "/cases", name: "nav.cases", needs: "GET /v1/cases", group: "nav.review", key: "c", page: page(() => import("../pages/Cases")) },
  { path: "/cases/:id", name: "nav.case", needs: "GET /v1/cases/{id}", page: page(() => import("../pages/Case")) },
  { path: "/search", name: "nav.search", needs: "GET /v1/decisions", group: "nav.review", key: "s", page: page(() => import("../pages/Search")) },
  { path: "/decisions/:id", name: "nav.decision", needs: "GET /v1/decisions/{id}", page: page(() => import("../pages/Decision")) },
  { path: "/entities/:kind/:id", name: "nav.entity", needs: "GET /v1/entities/{kind}/{id}", page: page(() => import("../pages/Entity")) },
  { path: "/rules", name: "nav.rules", needs: "GET /v1/rules", group: "nav.detect", key: "r", page: Rules },
  { path: "/rules/:name", name: "nav.rules", needs: "GET /v1/rules", page: page(() => import("../pages/Rule")) },
  { path: "/lists", name: "nav.lists", needs: "GET /v1/lists", group: "nav.detect", key: "i", page: Lists },
  { path: "/lists/:name", name: "nav.lists", needs: "GET /v1/lists", page: Lists },
  { path: "/features", name: "nav.features", needs: "GET /v1/features", group: "nav.detect", key: "f", page: page(() => import("../pages/Features")) },
  { path: "/models", name: "nav.models", needs: "GET /v1/models", group: "nav.detect", key: "m", page: Models },
  { path: "/models/:id", name: "nav.models", needs: "GET /v1/models", page: page(() => import("../pages/Model")) },
  { path: "/train", name: "nav.train", needs: "POST /v1/models:train", group: "nav.detect", key: "t", page: page(() => import("../pages/Train")) },
  { path: "/audit", name: "nav.audit", needs: "GET /v1/audit", group: "nav.govern", key: "u", page: page(() => import("../pages/Audit")) },
  { path: "/admin", name: "nav.admin", needs: "GET /v1/settings", group: "nav.govern", key: "n", page: page(() => import("../pages/Admin")) },
];
