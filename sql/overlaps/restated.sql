-- Grain: a row that counts in another file. Meaning: of two rows that are one movement the newer one counts, but not one that a
-- spreadsheet has taken something from.
with
met as (select * from met),

final as (
    select
        part, case when is_whole then other else file end as file, case when is_whole then other_line else line end as line, day,
        case when is_whole then file else other end as other, 'restated' as reason
    from met
)

select * from final
