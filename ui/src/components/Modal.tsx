import type { ReactNode } from "react";
import { Dialog, Heading, Modal as Frame, ModalOverlay } from "react-aria-components";
import { useWords } from "../i18n";

/** A dialog over the page: focus stays in it, Escape closes it. */
export function Modal({ title, open, onClose, children, wide }: {
  title: string; open: boolean; onClose: () => void; children: ReactNode; wide?: boolean;
}) {
  const { t } = useWords();
  return (
    <ModalOverlay className="overlay" isOpen={open} onOpenChange={(now) => !now && onClose()} isDismissable>
      <Frame className={wide ? "modal wide" : "modal"}>
        <Dialog className="dialog">
          <header>
            <Heading slot="title">{title}</Heading>
            <button type="button" className="quiet icon" aria-label={t("close")} onClick={onClose}>×</button>
          </header>
          {children}
        </Dialog>
      </Frame>
    </ModalOverlay>
  );
}
