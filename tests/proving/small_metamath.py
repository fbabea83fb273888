"""A small Metamath database of our own: Lukasiewicz' axioms, and quantifiers for conditions."""

LUKASIEWICZ = """
$( Implication and negation. $)
$c ( ) -> -. wff |- A. setvar $.
$v p q r x y $.
wp $f wff p $.  wq $f wff q $.  wr $f wff r $.
wn $a wff -. p $.
wi $a wff ( p -> q ) $.
${
  minor $e |- p $.
  major $e |- ( p -> q ) $.
  mp $a |- q $.
$}
luk1 $a |- ( ( p -> q ) -> ( ( q -> r ) -> ( p -> r ) ) ) $.
luk2 $a |- ( ( -. p -> p ) -> p ) $.
luk3 $a |- ( p -> ( -. p -> q ) ) $.
${
  syl.1 $e |- ( p -> q ) $.
  syl.2 $e |- ( q -> r ) $.
  syl $p |- ( p -> r ) $= ( wi mp luk1 ) BCFACFEABFBCFACFFDABCHGG $.
$}
id $p |- ( p -> p ) $=
  wp  wp wn wp wi  wp  wp wp luk3  wp luk2  syl $.
vx $f setvar x $.  vy $f setvar y $.
wal $a wff A. x p $.
${
  gen.1 $e |- p $.
  gen $a |- A. x p $.
$}
${
  $d x p $.
  ax5 $a |- ( p -> A. x p ) $.
$}
${
  $d x p $.  $d y q $.
  ax5i.1 $e |- ( q -> p ) $.
  ax5i $p |- ( q -> A. x p ) $= ? $.
$}
${
  bare.1 $e |- ( q -> p ) $.
  bare $p |- ( q -> A. x p ) $= ? $.
$}
allid $p |- A. x ( p -> p ) $= ? $.
"""
