"""What planners write in Chinese for the values that the model names in English.

This is the only list: the reader takes these words, messages and documents show them.  The first
word of each value is the one that is shown.
"""

from __future__ import annotations

Table = dict[str, tuple[str, ...]]
"""Value to the Chinese words for it."""

SHEET: Table = {
    "limits": ("限制", "约束", "限额"),
    "leave": ("休假", "请假"),
    "roster": ("花名册", "名册", "人员名册"),
    "travel": ("路程", "通勤"),
}
"""More names of sheets; the title of its table is read for every sheet."""
TIER: Table = {
    "district": ("区级", "区", "区级大厅"),
    "street": ("街道", "街道大厅"),
    "community": ("社区", "社区大厅"),
}
EVERY: Table = {"*": ("全部", "所有")}
WINDOW_KIND: Table = {
    "comprehensive": ("综合", "综合窗口"),
    "themed": ("主题", "专题", "主题窗口", "专题窗口"),
    "specialist": ("专窗", "专业", "专业窗口"),
    "machine": ("自助机", "自助", "自助终端"),
}
LAW: Table = {
    "lognormal": ("对数正态", "对数正态分布"),
    "gamma": ("伽马", "伽玛", "伽马分布"),
    "exponential": ("指数", "指数分布"),
    "fixed": ("固定",),
    "empirical": ("经验", "经验分布", "样本"),
}
PER: Table = {"year": ("年", "每年", "全年"), "month": ("月", "每月")}
PROFILE_KIND: Table = {
    "month": ("月", "月份", "月度"),
    "weekday": ("星期", "周"),
    "hour": ("时段", "小时"),
    "minutes": ("分钟", "分钟样本"),
}
PROFILE_KEY: Table = {
    "mon": ("周一", "星期一"),
    "tue": ("周二", "星期二"),
    "wed": ("周三", "星期三"),
    "thu": ("周四", "星期四"),
    "fri": ("周五", "星期五"),
    "sat": ("周六", "星期六"),
    "sun": ("周日", "周天", "星期日", "星期天"),
    "makeup": ("调休", "调休上班", "补班"),
    **{str(month): (f"{month}月",) for month in range(1, 13)},
}
DAY: Table = {
    "workday": ("工作日",),
    "makeup": ("调休上班", "补班", "调休", "调休上班日"),
    "weekend": ("周末",),
    "holiday": ("节假日",),
    "closed": ("关闭", "闭厅"),
}
PERIOD: Table = {
    "day": ("日", "天", "每天"),
    "half_week": ("半周", "每半周"),
    "week": ("周", "每周"),
    "month": ("月", "每月"),
}
ANY_HALL: Table = {
    "": ("否", "不通办"),
    "street": ("本街道", "街道", "街道内"),
    "district": ("全区", "区", "区内"),
}
LIMIT: Table = {
    "least_clerks": ("最少人数",),
    "most_clerks": ("最多人数",),
    "most_lent": ("最多借出", "最多借出人数"),
    "most_borrowed": ("最多借入", "最多借入人数"),
    "least_windows": ("最少窗口", "最少窗口数"),
    "most_windows": ("最多窗口", "最多窗口数"),
    "total_least_clerks": ("合计最少人数",),
    "total_most_clerks": ("合计最多人数",),
    "most_moves": ("最多调动", "最多调动人数"),
}
EVERY_GROUP: Table = {"": ("全部", "所有", "*")}
FLAG: Table = {"true": ("是",), "false": ("否",)}
LANGUAGE: Table = {"zh": ("中文",), "en": ("英文",)}
SOURCE: Table = {
    "seed": ("来源载明", "公开资料", "来源", "载明"),
    "assumed": ("假设", "推定"),
    "calibrated": ("校准",),
    "default": ("默认",),
}


def both(value: str, table: Table) -> str:
    """A value with its Chinese word, if it has one and needs it: `street (街道)`, `'' (否)`."""
    shown = value or "''"
    return f"{shown} ({table[value][0]})" if value in table and not value.isdigit() else shown
