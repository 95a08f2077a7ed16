#!/bin/sh
# Compare the order items and the payments of the Olist data set: sh examples/olist/compare.sh FOLDER [more options]
set -eu
[ $# -ge 1 ] || { echo "usage: sh $0 FOLDER [options of duizhang compare]" >&2; exit 1; }
folder=$1
shift
for name in order_items olist_order_items_dataset; do
  for kind in parquet csv; do
    [ -f "$folder/$name.$kind" ] && items=$folder/$name.$kind
  done
done
for name in order_payments olist_order_payments_dataset; do
  for kind in parquet csv; do
    [ -f "$folder/$name.$kind" ] && payments=$folder/$name.$kind
  done
done
: "${items:?no order items in $folder}" "${payments:?no order payments in $folder}"
exec duizhang compare "$items" "$payments" --key order_id \
  --left-amount "price + freight_value" --right-amount payment_value "$@"
