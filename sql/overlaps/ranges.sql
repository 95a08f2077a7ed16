-- Grain: a file and an account. Meaning: from when to when the file has movements of it.
with
part_ranges as (select * from part_ranges),

final as (
    select file, account, min(first) as first, max(last) as last
    from part_ranges
    group by file, account
)

select * from final
