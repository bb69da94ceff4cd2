import { en, type Messages } from "./en";

export const th: Messages = { ...en };
