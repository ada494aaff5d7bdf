// One poll's evidence about an odds ratio: the heart of the proportion and of the quantile statistic. PURE.
//
// x canary and y control trials, n events in all, a of them the canary's. Given n, the base rate is gone: a
// has Fisher's noncentral hypergeometric distribution, P(a = k) ~ C(x, k) C(y, n-k) psi^k with the odds ratio
// psi, and the likelihood ratio of psi G against psi, e = G^a Z(psi) / Z(psi G), has mean 1 at psi whatever
// the base rate, the ramp and the drift. It grows in a for G > 1, so below psi the mean is smaller, and the
// whole of "odds ratio
// <= psi" is covered; G < 1 is the mirror.
//
// Z is a sum over the margin. Up to 128 trials it is computed as it stands. Above, ln Z(psi G) - ln Z(psi) is
// bounded from above in closed form, so that e can only come out too small. d ln Z / d ln psi is the mean
// mu(psi), and E[a (y-n+a)] = psi E[(x-a)(n-a)] (neighbouring terms) gives, with r(psi) the root of r (y-n+r)
// = psi (x-r)(n-r), N = x + y and V the variance:   r <= mu <= r + (psi-1) V/N for psi >= 1, mirrored
// below 1. The integral of r is the saddle point's closed form (two binomial likelihoods at the matching base
// rate), and V = d mu / d ln psi makes the rest at most |psi-1| (change of mu)/N: some hundredths of a nat at
// a thousand trials. Other ways were weighed: an e-variable that maximises over the base rate (Turner, Ly and
// Grunwald 2024) must guess the rate from the past and, for a null other than 1, pays for rates that are not
// there: it certified 36% of good releases where this form certifies 95%.
//
// Trials of one arm and poll are taken to be alike. Fractional counts (interpolating sources) take the bound.
#pragma once

#include <span>
#include <vector>

namespace tranche::gate {

struct TwoByTwo {
  double canary_events = 0, canary_trials = 0;    // 0 <= events <= trials <= 1e12
  double control_events = 0, control_trials = 0;  // the same
};

// Adds to gains[i] ln e of the odds ratio null * factors[i] against null: speaks against "<= null" for
// factors above 1, against ">= null" below 1. null and null * factor within [1e-5, 1e5]. Nothing is added
// where the margins say nothing.
void add_log_likelihood_ratios(const TwoByTwo& counts, double null, std::span<const double> factors,
                               std::vector<double>& gains);

}  // namespace tranche::gate
