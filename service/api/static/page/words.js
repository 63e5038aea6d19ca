// Say in words what the numbers of a result mean, and what its warnings want.

const PLAIN = new Intl.NumberFormat("en", { maximumSignificantDigits: 4 });
const COUNT = new Intl.NumberFormat("en");

export function show(value) {
  if (value === null || value === undefined) return "unknown";
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= 1e7)) return value.toExponential(2);
  return PLAIN.format(value).replace("-", "−");
}

export const count = (value) => COUNT.format(value);
export const percent = (share) => `${PLAIN.format(100 * share)} %`;

// A value with its standard error, both to the second digit of the error.
export function withError(value, error) {
  const digits = error > 0 ? 1 - Math.floor(Math.log10(error)) : -1;
  if (digits < 0 || digits > 6) return `${show(value)} ± ${show(error)}`;
  const places = { minimumFractionDigits: digits, maximumFractionDigits: digits };
  const rounded = [value, error].map((number) => number.toLocaleString("en", places));
  return rounded.join(" ± ").replace("-", "−");
}

export function pValue(value) {
  if (value === null || value === undefined) return "unknown";
  return value < 0.0001 ? "below 0.0001" : show(value);
}

// What a settings name looks like to a person: bound_method -> Bound method.
export function title(name) {
  const words = name.replaceAll("_", " ");
  const text = words[0].toUpperCase() + words.slice(1);
  return text.replace("Bjorck", "Björck");
}

// The answer in two sentences: what is shown, and how to read it.
export function verdict(answer) {
  const sure = `${percent(answer.confidence)} confidence`;
  if (answer.lower_bound > 0) {
    return {
      differs: true,
      lead: `The distributions are at least ${show(answer.lower_bound)} apart, with ${sure}.`,
      rest: `${unitsOf(answer)} Were they equal, samples this far apart would be an
        accident of probability ${pValue(answer.p_value)}.`,
    };
  }
  const power =
    answer.detectable_distance === undefined
      ? ""
      : `A distance of ${show(answer.detectable_distance)} would have shown in 4 of 5 cases.`;
  if (answer.p_value <= 1 - answer.confidence) {
    return {
      differs: true,
      lead: `The distributions differ (p = ${pValue(answer.p_value)}).`,
      rest: `By how much, these samples do not show: no distance above 0 has ${sure}. ${power}`,
    };
  }
  return {
    differs: false,
    lead: `At ${sure}, these samples do not show that the distributions differ.`,
    rest: `That is no proof that they are equal. ${power}`,
  };
}

function unitsOf({ metric, config }) {
  if (typeof metric === "string") return metric;
  return config?.scaling === "standardize"
    ? "Distances count in deviations, since the features were standardized."
    : "Distances are in the units of your data.";
}

// Every number of a result: its name, its value, and what it says.
export function numbers(result) {
  const { estimate, standard_error: error, lower_bound: bound } = result;
  const [low, high] = [result.sample_lower_bound, result.sample_upper_bound];
  return [
    ["Lower bound", show(bound),
      `The promise: the distance of the distributions is at least this, with
      ${percent(result.confidence)} confidence (by ${result.bound_method}). 0 or less
      shows nothing.`],
    ["Estimate", withError(estimate, error),
      `What the critic found on samples it had not seen, with its standard error. On
      average it is not above the true distance; it may be well below it.`],
    ["Between these samples", bracket(low, high),
      `The distance of the very rows that were given, between a lower and an upper bound.
      In many dimensions most of it is accident of sampling: two halves of one data set
      are far apart as well. Upper bound: ${result.sample_upper_bound_reason ?? "unknown"}.`],
    ["p-value", pValue(result.p_value),
      `How often samples of equal distributions would look this different. Small means
      that they differ; large means nothing.`],
    ["Detectable distance", show(result.detectable_distance),
      `About the smallest distance that would give a lower bound above 0 in 4 of 5
      cases, had the critic found it. More samples make it smaller.`],
    ["Certificate", show(result.certificate.lipschitz_bound),
      `Upper bound on the Lipschitz constant of the critic (${result.critic_family}),
      measured in float64. Every other number is divided by it, so that nothing about
      the training has to be trusted.`],
    ...selfCheck(result.self_check),
    ["Samples", `${count(result.n_source)} and ${count(result.n_target)}`,
      `Rows of source and target, in ${count(result.dim)}
      ${result.dim === 1 ? "dimension" : "dimensions"}.`],
    ["Training", `${count(result.steps)} steps, ${show(result.elapsed_s)} s`,
      STOPS[result.stop_reason] ?? result.stop_reason],
  ];
}

function selfCheck(found) {
  if (!found) return [];
  return [["Self-check", percent(found.share),
    `So much is found of a difference of ${show(found.distance)} that was planted in these
    very rows. Of other differences it proves nothing.`]];
}

const STOPS = {
  converged: "It ended because the value on the validation samples stopped rising.",
  settled: "It ended because no critic could change the answer by more than its own noise.",
  step_limit: "It ended because all steps were taken; more may tighten the bound.",
};

export function bracket(low, high) {
  if (low === null || low === undefined) return "not computed";
  return high === null ? `at least ${show(low)}` : `${show(low)} to ${show(high)}`;
}

// What a reader can do about a warning: settings to run again with.
const ADVICE = [
  [/more effort or steps/, "Run again with more effort", (config) => ({
    effort: config.effort === "quick" ? "standard" : "thorough",
  })],
  [/\(scaling standardize\)/, "Run again, standardized", () => ({ scaling: "standardize" })],
  [/were standardized|\(scaling scalar\)/, "Run again in the units of the data", () => ({ scaling: "scalar" })],
  [/Only \d+ test samples/, "Run again, so that every sample is tested (5 folds)", () => ({
    folds: 5,
  })],
  [/student bound/, "Run again with a bound that holds at any size", () => ({
    bound_method: "betting",
  })],
];

export function advice(warning, config) {
  const known = ADVICE.find(([pattern]) => pattern.test(warning));
  return known ? { text: known[1], changes: known[2](config) } : null;
}

// The name of a feature: its column's, where the result knows columns.
export function featureName(result, item) {
  if (item.column ?? item.name) return item.column ?? item.name;
  return `feature ${item.feature}`;
}
