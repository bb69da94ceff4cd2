import { Component, type ReactNode } from "react";

/** What a page throws stays on that page: the navigation goes on, and another address starts anew. */
export class ErrorBoundary extends Component<{ place: string; words: { title: string; text: string; again: string }; children: ReactNode }, { at: string | null; text: string }> {
  override state = { at: null as string | null, text: "" };
  static getDerivedStateFromError(cause: unknown) {
    return { text: String(cause) };
  }
  override componentDidCatch() {
    this.setState({ at: this.props.place });
  }
  override componentDidUpdate() {
    if (this.state.at !== null && this.state.at !== this.props.place) this.setState({ at: null, text: "" });
  }
  override render() {
    if (this.state.text === "") return this.props.children;
    return (
      <div className="state bad" role="alert">
        <p className="strong">{this.props.words.title}</p>
        <p>{this.props.words.text}</p>
        <p className="mono small dim">{this.state.text}</p>
        <button type="button" onClick={() => location.reload()}>{this.props.words.again}</button>
      </div>
    );
  }
}
