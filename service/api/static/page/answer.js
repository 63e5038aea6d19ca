// Say in words what the numbers of a result mean.

const show = (value) => (value === null ? "unknown" : Number(value.toPrecision(4)));

export function verdict(result) {
  const percent = `${100 * result.confidence} %`;
  if (result.lower_bound > 0) {
    return (
      `The two distributions are at least ${show(result.lower_bound)} apart, ` +
      `with ${percent} confidence, in the units of your data.`
    );
  }
  return (
    "These samples do not show that the two distributions differ " +
    `(at ${percent} confidence). That is no proof that they are equal.`
  );
}

export function numbers(result) {
  const bracket = `${show(result.sample_lower_bound)} to ${show(result.sample_upper_bound)}`;
  return [
    ["Estimate", `${show(result.estimate)} ± ${show(result.standard_error)} (on samples the critic has not seen)`],
    ["Lower bound", `${show(result.lower_bound)} (${result.bound_method})`],
    ["Power", `a distance of ${show(result.detectable_distance)} would show in 4 of 5 cases`],
    ["p-value of P = Q", show(result.p_value)],
    ["These very samples", bracket],
    ["Lipschitz bound", `${result.certificate.lipschitz_bound} (${result.critic_family})`],
    ["Samples", `${result.n_source} and ${result.n_target}, dimension ${result.dim}`],
    ["Training", `${result.steps} steps, ${show(result.elapsed_s)} s, ${result.stop_reason}`],
  ];
}

const FEW = 10;

export function features({ attribution }) {
  return attribution
    .slice(0, FEW)
    .map(({ feature, share, slope }) => [
      feature,
      `${(100 * share).toFixed(1)} %`,
      slope > 0 ? "source" : "target",
    ]);
}

export function extremes({ source_extremes: source, target_extremes: target }) {
  return source.map((item, place) => [
    item.row,
    show(item.value),
    target[place]?.row ?? "",
    target[place] ? show(target[place].value) : "",
  ]);
}
