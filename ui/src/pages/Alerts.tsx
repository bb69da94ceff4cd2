import { Page } from "../components/basics";
import { Empty } from "../components/states";

export default function Alerts() {
  return <Page title="Alerts"><Empty /></Page>;
}
