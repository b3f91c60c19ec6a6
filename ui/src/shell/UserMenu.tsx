/** Who is signed in, language, colours, sign out. */
import { Menu } from "../parts/Menu";
import { act } from "../parts/Toast";
import { logOut, useSession } from "../store/session";
import { type Theme, useChoices } from "../store/settings";
import { type Pair, useLanguage, useWords } from "../words";

const words: Record<string, Pair> = {
  user: ["{name}, {role}", "{name}，{role}"],
  admin: ["admin", "管理员"],
  tenant: ["tenant", "租户"],
  viewer: ["viewer", "只读"],
  language: ["中文", "English"],
  system: ["Colours: as the system", "配色：跟随系统"],
  light: ["Colours: light", "配色：浅色"],
  dark: ["Colours: dark", "配色：深色"],
  keys: ["All keys", "全部快捷键"],
  out: ["Sign out", "退出登录"],
};

const NEXT: Record<Theme, Theme> = { system: "light", light: "dark", dark: "system" };

export function UserMenu() {
  const user = useSession((session) => session.user);
  const { language, choose } = useLanguage();
  const { theme, chooseTheme } = useChoices();
  const t = useWords(words);
  if (user === null) return null;
  return (
    <Menu
      label={t("user", { name: user.name, role: t(user.role) })}
      icon="user"
      choices={[
        {
          text: t("user", { name: user.name, role: t(user.role) }),
          icon: "user",
          act: () => undefined,
          refused: " ",
        },
        { text: t("language"), act: () => choose(language === "en" ? "zh" : "en") },
        { text: t(theme), act: () => chooseTheme(NEXT[theme]) },
        { text: t("keys"), act: () => document.dispatchEvent(new CustomEvent("gavelq:keys")) },
        { text: t("out"), icon: "right", act: () => void act(logOut) },
      ]}
    />
  );
}
