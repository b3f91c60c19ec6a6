/** The cards of the machine as chips: those that are lit may be used. An empty list stands for all of them. */
import { useShallow } from "zustand/react/shallow";
import { useLive } from "../../store/live";
import { useWords } from "../../words";
import { type Card, switched } from "./chosen";
import { words } from "./words";

export function Cards(props: {
  label: string;
  named: readonly Card[];
  onChange: (named: Card[]) => void;
  disabled: boolean;
  describedBy: string | undefined;
}) {
  const { named, label, disabled } = props;
  const t = useWords(words);
  const gpus = useLive(useShallow((live) => live.gpus.map((gpu) => `${gpu.index} ${gpu.uuid}`)));
  const places = gpus.map((gpu) => gpu.split(" ") as [string, string]);
  const called = (card: Card) => places.find(([, uuid]) => uuid === card)?.[0] ?? String(card);
  const lit = named.map(called);
  const shown = [...new Set([...places.map(([index]) => index), ...lit])];
  const isLit = (card: string) => named.length === 0 || lit.includes(card);
  const act = (card: string) => {
    const known = new Map(named.map((one) => [called(one), one]));
    const asWritten = (one: string): Card => known.get(one) ?? (/^\d+$/.test(one) ? Number(one) : one);
    props.onChange(switched(lit.length === 0 ? [] : named, asWritten(card), shown.map(asWritten)));
  };
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset draws a frame
    <div className="cards-chips" role="group" aria-label={label} aria-describedby={props.describedBy}>
      {shown.map((card) => {
        const isLast = isLit(card) && (lit.length === 1 || shown.length === 1);
        return (
          <button
            key={card}
            type="button"
            className="card-chip"
            aria-pressed={isLit(card)}
            aria-label={`GPU ${card}`}
            disabled={disabled || isLast}
            title={isLast ? t("lastCard") : undefined}
            onClick={() => act(card)}
          >
            {card}
          </button>
        );
      })}
    </div>
  );
}
