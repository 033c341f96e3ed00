import type { Fields } from '../model';

/** Texts of a Portuguese account, made up for the sandbox (zendesk_api_client_php#306 shows real ones). */
const PORTUGUESE: readonly [RegExp, string][] = [
  [/closed prevents ticket update/, 'fechado impede a atualização do ticket'],
  [/cannot be blank/, 'não pode ficar em branco'],
  [/is too short/, 'é muito curto'],
  [/is too long/, 'é muito longo'],
  [/has already been taken/, 'já está em uso'],
  [/cannot be reset/, 'não pode ser redefinido'],
  [/is required when solving a ticket/, 'é obrigatório ao resolver um ticket'],
  [/is not valid/, 'não é válido'],
  [/is suspended/, 'está suspenso'],
  [/Record validation errors/, 'Erros de validação do registro'],
];

/**
 * Rule 11: the texts of a refusal are in the language of the API's user; keys and codes are not.
 * @param locale of the user, such as `pt-BR`
 */
export function inLanguage(body: Fields, locale: unknown): Fields {
  if (typeof locale !== 'string' || !locale.startsWith('pt')) return body;
  const translated = (value: unknown, key: string): unknown => {
    if (Array.isArray(value)) return value.map((each) => translated(each, key));
    if (value !== null && typeof value === 'object')
      return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, translated(each, name)]));
    if (typeof value !== 'string' || key !== 'description') return value;
    return PORTUGUESE.reduce((text, [english, other]) => text.replace(english, other), value);
  };
  return translated(body, '') as Fields;
}
