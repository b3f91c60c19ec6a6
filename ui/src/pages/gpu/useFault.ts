/** The daemon's texts of faults in the page's language. */
import { useLanguage } from "../../words";
import { inChinese } from "./faults";

export function useFault(): (text: string) => string {
  const language = useLanguage((choice) => choice.language);
  return (text) => (language === "zh" ? inChinese(text) : text);
}
