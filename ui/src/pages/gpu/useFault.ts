/** The daemon's texts of faults in the page's language. */
import { useChinese } from "../../words";

export function useFault(): (text: string) => string {
  const chinese = useChinese();
  return (text) => chinese?.fault(text) ?? text;
}
