select
    'shop' as source_system,
    sku as product_code,
    barcode as gtin,
    title as name,
    brand,
    category,
    null as model_code,
    null as pack_size,
    coalesce(cast(try_cast(weight_g as double) / 1000 as varchar), weight_g) as weight_kg,
    null as length_cm,
    null as width_cm,
    null as height_cm,
    list_price as list_price_amount,
    null as unit_cost_amount,
    getvariable('currency') as currency,
    'true' as is_active,
    to_utc(changed, getvariable('time_zone')) as updated_at,
    _source_file,
    _source_row
from shop_catalogue

union all by name

select
    'social' as source_system,
    item_id as product_code,
    barcode as gtin,
    title as name,
    brand,
    model as model_code,
    coalesce(cast(try_cast(price_fen as bigint) / 100 as varchar), price_fen) as list_price_amount,
    getvariable('currency') as currency,
    _source_file,
    _source_row
from social_items

union all by name

select
    'pos' as source_system,
    货号 as product_code,
    条码 as gtin,
    品名 as name,
    品牌 as brand,
    型号 as model_code,
    售价 as list_price_amount,
    getvariable('currency') as currency,
    _source_file,
    _source_row
from pos_items

union all by name

select
    'erp' as source_system,
    matnr as product_code,
    ean as gtin,
    maktx as name,
    marke as brand,
    warengruppe as category,
    modell as model_code,
    decimal_comma(brgew) as weight_kg,
    decimal_comma(laenge) as length_cm,
    decimal_comma(breite) as width_cm,
    decimal_comma(hoehe) as height_cm,
    decimal_comma(preis) as list_price_amount,
    decimal_comma(stprs) as unit_cost_amount,
    waers as currency,
    _source_file,
    _source_row
from erp_materials

union all by name

select
    'wms' as source_system,
    item as product_code,
    gtin,
    description as name,
    model as model_code,
    units_per_pack as pack_size,
    gross_kg as weight_kg,
    l_cm as length_cm,
    w_cm as width_cm,
    h_cm as height_cm,
    _source_file,
    _source_row
from wms_items
