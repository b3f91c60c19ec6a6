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
  system: ["Colours as the system", "配色跟随系统"],
  light: ["Light colours", "浅色"],
  dark: ["Dark colours", "深色"],
  keys: ["All keys", "全部快捷键"],
  out: ["Sign out", "退出登录"],
};

const THEMES: readonly Theme[] = ["system", "light", "dark"];

export function UserMenu() {
  const user = useSession((session) => session.user);
  const { language, choose } = useLanguage();
  const { theme, chooseTheme } = useChoices();
  const t = useWords(words);
  if (user === null) return null;
  return (
    <Menu
      label={t("user", { name: user.tenant, role: t(user.role) })}
      icon="user"
      choices={[
        {
          text: t("user", { name: user.tenant, role: t(user.role) }),
          icon: "user",
          act: () => undefined,
          refused: " ",
        },
        { text: t("language"), act: () => choose(language === "en" ? "zh" : "en") },
        ...THEMES.map((one) => ({
          text: t(one),
          act: () => chooseTheme(one),
          isOn: one === theme,
        })),
        { text: t("keys"), act: () => document.dispatchEvent(new CustomEvent("gavelq:keys")) },
        { text: t("out"), icon: "right", act: () => void act(logOut) },
      ]}
    />
  );
}
