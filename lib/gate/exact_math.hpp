// exp and log from IEEE's basic operations: the same bits on every machine. PURE.
//
// The journal carries a gate's sums from runner to runner and a replay must reproduce them bit by bit. libm's
// last bit differs between versions and processors; + - * / and sqrt do not. The room is compiled without
// contraction into fused multiply-adds for the same reason.
#pragma once

namespace tranche::gate {

// ln(1 + x) for x > -1, within 3 ulp.
double log1p_exact(double x);
// ln x for x > 0, normal.
double log_exact(double x);
// e^x, within 3 ulp; 0 below -708, infinite above 709.
double exp_exact(double x);
// ln(e^a + e^b); either may be minus infinity.
double log_add_exact(double a, double b);

inline constexpr double ln2 = 0x1.62e42fefa39efp-1;

}  // namespace tranche::gate
