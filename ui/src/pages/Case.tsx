import { Page } from "../components/basics";
import { Empty } from "../components/states";

export default function Case() {
  return <Page title="Case"><Empty /></Page>;
}
