import type { Schemas } from "../api/client";
import { useWords } from "../i18n";
import { Badge, type Tone } from "./basics";

type State = Schemas["RuleVersion"]["state"];
const tones: Record<State, Tone> = { draft: "neutral", approved: "info", live: "good", shadow: "warn", retired: "neutral", replaced: "neutral" };

export function RuleState({ of }: { of: State }) {
  const { t } = useWords();
  return <Badge tone={tones[of]}>{t(`rule.state.${of}`)}</Badge>;
}
