"""Which job trains which registered model.

Belongs here: the one table of them. Does not belong here: the models (ml/jobs/catalogue), the jobs themselves.
"""

from collections.abc import Callable
from functools import partial

from ml.jobs.catalogue import LATE_DELIVERY, LEAD_TIME, ORDER_ROUTING, STOCKOUT
from ml.jobs.routing import RoutingTrainJob
from ml.jobs.train import TrainJob
from ml.jobs.train_lead_times import LeadTimeTrainJob

TRAININGS: dict[str, Callable[..., TrainJob]] = {
    LATE_DELIVERY.name: partial(TrainJob, LATE_DELIVERY),
    LEAD_TIME.name: LeadTimeTrainJob,
    STOCKOUT.name: partial(TrainJob, STOCKOUT),
    ORDER_ROUTING.name: RoutingTrainJob,
}
