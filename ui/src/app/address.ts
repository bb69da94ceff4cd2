// Addresses as they stand in the bar: what is decoded is decoded once, by App. The router decodes what it is given, so
// that an id with a percent sign in it ("50%25") would come out as another id; here it is given each % as an escape.
import { useBrowserLocation, useSearch } from "wouter/use-browser-location";

const escaped = (text: string) => text.replaceAll("%", "%25");

export function useExactLocation(options: object): ReturnType<typeof useBrowserLocation> {
  const [path, go] = useBrowserLocation(options);
  return [escaped(path), go];
}
export const useExactSearch = (options: object) => escaped(useSearch(options));
