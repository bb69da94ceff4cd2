import { en, type Messages } from "./en";

export const id: Messages = { ...en };
