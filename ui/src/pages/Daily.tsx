import { Page } from "../components/basics";
import { Empty } from "../components/states";

export default function Daily() {
  return <Page title="Daily"><Empty /></Page>;
}
