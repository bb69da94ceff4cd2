import { Page } from "../components/basics";
import { Empty } from "../components/states";

export default function Cases() {
  return <Page title="Cases"><Empty /></Page>;
}
